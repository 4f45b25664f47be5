-- A connector rests: nothing leaves before that. Writes touchpoints_connector; a re-run only rests longer.
-- The database's clock rules. Leans on the primary key.
UPDATE touchpoints_connector SET open_until = greatest(coalesce(open_until, '-infinity'), clock_timestamp() + %(rest)s)
WHERE id = %(connector)s
