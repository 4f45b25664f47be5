-- When the first and the last event of these kinds happened in a pool: the two ends of each kind in the index.
-- Reads members_event; writes nothing. Leans on event_pool_kind (pool_id, kind, occurred_at).
SELECT
    min(ends.first) AS first,
    max(ends.last) AS last
FROM unnest(%(kinds)s::text []) AS k (kind)
CROSS JOIN LATERAL (
    SELECT
        min(e.occurred_at) AS first,
        max(e.occurred_at) AS last
    FROM members_event AS e
    WHERE e.pool_id = %(pool)s AND e.kind = k.kind
) AS ends
