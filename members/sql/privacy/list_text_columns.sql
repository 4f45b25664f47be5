-- Every column that can hold text, of every table of this schema; parts of a partitioned table are left to it.
SELECT
    c.relname AS table_name,
    a.attname AS column_name
FROM pg_class AS c
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
INNER JOIN pg_type AS t ON a.atttypid = t.oid
WHERE
    c.relnamespace = current_schema()::regnamespace
    AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND (t.typname IN ('text', 'varchar', 'bpchar', 'jsonb', 'json', 'xml') OR t.typelem <> 0 AND t.typname IN ('_text', '_varchar'))
ORDER BY c.relname, a.attnum
