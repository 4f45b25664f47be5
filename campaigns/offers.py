"""Campaigns as offers of coupons, for models of who uses one."""

from segmentation.predicting import offers

# Run and arm say who was offered something: whoever was held out was not. Campaigns nobody ever answered count for nothing there.
offers.register(
    "SELECT p.member_id, k.pool_id, p.run_id AS offer, p.entered_at AS offered_at, p.redeemed_at"
    " FROM campaigns_participant p JOIN campaigns_run r ON r.id = p.run_id"
    " JOIN campaigns_campaign k ON k.id = r.campaign_id WHERE p.arm <> 0"
)
