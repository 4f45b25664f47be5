"""Facts about campaigns for rules: who took part, who converted, who redeemed the coupon.

A conversion is what the campaign's results count: a paid order within the goal days after entering.
"""

from collections.abc import Iterable
from typing import Any

from campaigns.models import Campaign, Participant
from members.models import Pool
from segmentation import choices
from segmentation.rules.catalog import Choice, Fact, Filter, Subject, Text, declare

PARTICIPANT = (
    "SELECT p.member_id AS id FROM campaigns_participant p JOIN campaigns_run r ON r.id = p.run_id"
    " JOIN campaigns_campaign k ON k.id = r.campaign_id AND k.pool_id = %(pool)s{since}"
    " WHERE true{of}{where}{window}{only} GROUP BY p.member_id HAVING {test}"
)
ORDERED = (
    " AND EXISTS (SELECT FROM members_order o WHERE o.member_id = p.member_id AND o.pool_id = %(pool)s AND o.status = 1"
    " AND o.net_amount > 0 AND o.placed_at < %(until)s AND o.placed_at >= p.entered_at"
    " AND o.placed_at < p.entered_at + make_interval(hours => 24 * k.goal_days))"
)
ARMS = (
    Choice(Participant.Arm.TREATED.value, Text("触达组", "treated")),
    Choice(Participant.Arm.HOLDOUT.value, Text("对照组", "holdout")),
    Choice(Participant.Arm.BOTH.value, Text("两组都在", "both arms")),
)
CAMPAIGNS = Subject(Text("哪些活动", "which campaigns"), "campaigns", numeric=True)
ARM = Filter("arm", Text("分组", "arm"), "choice", "p.arm", choices=ARMS, numeric=True)
TIMES = Text("次", "times")


def _taking_part(key: str, zh: str, en: str, deed: Text, *, only: str = "", time: str = "p.entered_at", **more: Any) -> Fact:
    made: dict[str, Any] = {"row": "p", "subject": CAMPAIGNS, "of_sql": "k.id = ANY(%(of)s)", "filters": (ARM,)}
    made |= {"unit": TIMES, "absent": 0, "time": time, "phrase": Text(f"[{{of}}]{zh}次数", f"{en}[ of {{of}}]"), "deed": deed}
    # Nobody counts the changes of participants: they are read anew each time.
    made["domains"] = ("participants",)
    sql = PARTICIPANT.replace("{only}", only)
    return Fact(key, Text(zh, en), "responses", "count", sql=sql, measure="count(*)", **(made | more))


declare(
    _taking_part(
        "campaign_entered", "参加活动", "campaigns taken part in", Text("参加过活动[{of}]", "taken part in campaigns[ {of}]")
    ),
    _taking_part(
        "campaign_converted",
        "活动转化",
        "campaign conversions",
        Text("在活动[{of}]目标期内下过单", "converted in campaigns[ {of}]"),
        only=ORDERED,
        dated=True,
        domains=("participants", "orders"),
    ),
    _taking_part(
        "coupon_redeemed",
        "用券核销",
        "coupons redeemed",
        Text("核销过[{of}的]券", "redeemed coupons[ of {of}]"),
        only=" AND p.redeemed_at IS NOT NULL",
        time="p.redeemed_at",
    ),
)


def _offered(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[choices.Option]:
    found = Campaign.objects.filter(pool=pool, name__icontains=q).order_by("-pk")
    return [(pk, name) for pk, name in found.values_list("pk", "name")[:limit]]


def _names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    return dict(Campaign.objects.filter(pool=pool, pk__in=list(values)).values_list("pk", "name"))


choices.offer("campaigns", _offered, _names)
