-- Who ordered after an instant and up to another: what the stages of the first instant are judged by.
-- Reads members_order; a plain SELECT, kept in a temporary table. Leans on order_placed_brin.
SELECT member_id
FROM members_order
WHERE pool_id = %(pool_id)s AND status = 1 AND placed_at > %(as_of)s AND placed_at <= %(until)s
GROUP BY member_id
