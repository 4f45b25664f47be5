-- When the first and the last event of a pool happened: the ends of each kind, skipping from one to the next.
-- Reads members_event; writes nothing. Leans on event_pool_kind.
WITH RECURSIVE kinds AS (
    (SELECT kind FROM members_event WHERE pool_id = %(pool)s ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT e.kind FROM members_event AS e WHERE e.pool_id = %(pool)s AND e.kind > k.kind ORDER BY e.kind LIMIT 1)
    FROM kinds AS k
    WHERE k.kind IS NOT NULL
)

SELECT
    min(ends.first) AS first,
    max(ends.last) AS last
FROM kinds AS k
CROSS JOIN LATERAL (
    SELECT
        min(e.occurred_at) AS first,
        max(e.occurred_at) AS last
    FROM members_event AS e
    WHERE e.pool_id = %(pool)s AND e.kind = k.kind
) AS ends
