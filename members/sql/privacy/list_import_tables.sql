-- Tables that one import made for itself, with their columns that may say whose a row is.
-- Reads the catalogue; nothing is written.
SELECT
    c.relname AS name,
    coalesce(array_agg(a.attname::text) FILTER (WHERE t.typname = 'int8' AND a.attname <> 'line'), '{}') AS numbers,
    coalesce(array_agg(a.attname::text) FILTER (WHERE t.typname = 'bytea' AND a.attname <> 'sealed'), '{}') AS hashes,
    coalesce(array_agg(a.attname::text) FILTER (WHERE t.typname IN ('text', 'varchar', 'jsonb')), '{}') AS texts
FROM pg_class AS c
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
INNER JOIN pg_type AS t ON a.atttypid = t.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname ~ '^(import|journal)_[0-9]+_'
GROUP BY c.relname
