-- Families of sources that merges of a pool came from, by a loose index scan: each family is looked up once.
-- Reads members_merge. Leans on merge_pool_source.
WITH RECURSIVE walk AS (
    (SELECT split_part(source, ':', 1) AS family FROM members_merge WHERE pool_id = %(pool_id)s ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (
        SELECT split_part(m.source, ':', 1) FROM members_merge AS m
        WHERE m.pool_id = %(pool_id)s AND m.source > walk.family || ':~' ORDER BY m.source LIMIT 1
    ) FROM walk WHERE walk.family IS NOT NULL
)
SELECT family FROM walk WHERE family IS NOT NULL ORDER BY family
