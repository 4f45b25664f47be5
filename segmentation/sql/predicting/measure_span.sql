-- From when to when a pool's orders reach, up to an instant, and how many members placed them; refunded ones were paid then.
-- Reads members_order; a plain SELECT, one scan.
SELECT
    min(placed_at) AS first_at,
    max(placed_at) AS last_at,
    count(DISTINCT member_id) AS members
FROM members_order
WHERE pool_id = %(pool_id)s AND status IN (1, 2) AND placed_at <= %(as_of)s
