-- From when to when a pool's orders reach, up to an instant, and how many members placed them; refunded ones were paid then.
-- Reads members_order; a plain SELECT, one scan that counts members in passing: nothing is sorted.
SELECT
    min(m.first_at) AS first_at,
    max(m.last_at) AS last_at,
    count(*) AS members
FROM (
    SELECT
        member_id,
        min(placed_at) AS first_at,
        max(placed_at) AS last_at
    FROM members_order
    WHERE pool_id = %(pool_id)s AND status IN (1, 2) AND placed_at <= %(as_of)s
    GROUP BY member_id
) AS m
