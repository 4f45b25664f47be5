-- What a rule would have given over a window: orders, members and points.
-- Reads members_order through order_placed_brin; writes nothing.
SELECT
    count(*) AS orders,
    count(DISTINCT member_id) AS members,
    coalesce(sum(net_amount / %(step)s * %(points)s), 0) AS points
FROM members_order
WHERE
    pool_id = %(pool_id)s
    AND status = 1
    AND net_amount >= %(least)s
    AND placed_at >= %(since)s
    AND placed_at < %(until)s
