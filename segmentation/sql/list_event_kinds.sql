-- Kinds of events of a pool, by skipping through the index from one kind to the next.
-- Reads members_event; writes nothing. Leans on event_pool_kind (pool_id, kind, occurred_at).
WITH RECURSIVE kinds AS (
    (SELECT kind FROM members_event WHERE pool_id = %(pool)s ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT e.kind FROM members_event AS e WHERE e.pool_id = %(pool)s AND e.kind > k.kind ORDER BY e.kind LIMIT 1)
    FROM kinds AS k
    WHERE k.kind IS NOT NULL
)

SELECT kind AS value
FROM kinds
WHERE kind IS NOT NULL AND position(lower(%(q)s) IN lower(kind)) > 0
ORDER BY kind
LIMIT %(limit)s
