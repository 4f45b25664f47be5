-- Keep counts as they stand on a day; the same day's are replaced.
-- Writes members_dailyfigure. Leans on its primary key.
INSERT INTO members_dailyfigure (pool_id, day, source, name, value, at)
SELECT
    %(pool)s,
    %(day)s::date,
    said.source,
    said.name,
    said.value,
    %(at)s
FROM unnest(%(sources)s::smallint [], %(names)s::text [], %(values)s::bigint []) AS said (source, name, value)
ON CONFLICT (pool_id, day, source, name) DO UPDATE SET value = excluded.value, at = excluded.at
