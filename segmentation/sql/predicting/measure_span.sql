-- From when to when a pool's paid orders reach, up to an instant, and how many members placed them.
-- Reads members_order; a plain SELECT.
-- Leans on order_paid_cov: an index-only scan.
SELECT
    min(placed_at) AS first_at,
    max(placed_at) AS last_at,
    count(DISTINCT member_id) AS members
FROM members_order
WHERE pool_id = %(pool_id)s AND status = 1 AND placed_at <= %(as_of)s
