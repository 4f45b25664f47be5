-- Names of the properties of the newest events of a pool: what a filter offers to compare.
-- Reads members_event; writes nothing. Leans on event_pool_kind, by kind, so that rare events are heard too.
WITH RECURSIVE kinds AS (
    (SELECT kind FROM members_event WHERE pool_id = %(pool)s ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT e.kind FROM members_event AS e WHERE e.pool_id = %(pool)s AND e.kind > k.kind ORDER BY e.kind LIMIT 1)
    FROM kinds AS k
    WHERE k.kind IS NOT NULL
),

newest AS (
    SELECT latest.properties
    FROM kinds AS k
    CROSS JOIN LATERAL (
        SELECT e.properties
        FROM members_event AS e
        WHERE e.pool_id = %(pool)s AND e.kind = k.kind
        ORDER BY e.occurred_at DESC
        LIMIT 200
    ) AS latest
    WHERE k.kind IS NOT NULL
)

SELECT DISTINCT named.name AS value
FROM newest AS n
CROSS JOIN LATERAL jsonb_object_keys(CASE jsonb_typeof(n.properties) WHEN 'object' THEN n.properties END) AS named (name)
WHERE position(lower(%(q)s) IN lower(named.name)) > 0
ORDER BY value
LIMIT %(limit)s
