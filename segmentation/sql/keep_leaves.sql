-- Keep what was read: rows side by side. What is lost with the power is computed again, so alone it need not wait for the disk.
-- Writes segmentation_leaf; a re-run finds its keys taken. Leans on one_leaf_per_condition.
WITH disk AS (
    SELECT CASE WHEN %(alone)s THEN set_config('synchronous_commit', 'off', true) END AS waits
)

INSERT INTO segmentation_leaf (pool_id, key, size, bitmap, values, labels, ms, at)
SELECT
    %(pool)s,
    found.key,
    found.size,
    found.bitmap,
    found.vals,
    found.labels::jsonb,
    found.ms,
    %(at)s
FROM
    disk,
    unnest(
        %(keys)s::bytea[], %(sizes)s::bigint[], %(bitmaps)s::bytea[], %(values)s::bytea[], %(labels)s::text[], %(ms)s::float8[]
    ) AS found (key, size, bitmap, vals, labels, ms)
ON CONFLICT DO NOTHING
