-- Paid orders dated after the instant: when each member's facts will change by themselves.
-- Reads members_order; a plain SELECT, kept in a table of the run (hardly ever more than a few rows).
-- Leans on order_placed_brin: only blocks that hold a later date are opened. "+ 0" keeps the planner from
-- walking the whole of order_paid_cov instead, which has no date in front (50 times slower on 10M orders).
SELECT member_id, min(placed_at) AS placed_at
FROM members_order
WHERE pool_id = %(pool_id)s AND status + 0 = 1 AND placed_at > %(as_of)s
GROUP BY member_id
