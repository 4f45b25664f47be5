-- The members with at least so many paid orders in a period.
-- Reads members_order (order_paid_cov, index-only); writes nothing.
SELECT member_id AS id
FROM members_order
WHERE pool_id = %(pool_id)s AND status = 1 AND placed_at >= %(since)s AND placed_at < %(until)s
GROUP BY member_id
HAVING count(*) >= %(least)s
