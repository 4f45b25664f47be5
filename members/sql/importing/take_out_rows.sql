-- Rows of one chunk that an import created go, where they are still as it wrote them and nothing hangs on them.
-- Reads the import's journal; writes {table}, and members_importleftover for what stays. A re-run finds nothing to take out.
-- Leans on the primary key of {table}.
-- not prepared: reads a table kept by each import
WITH span AS (
    SELECT ctid AS place, * FROM {written} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND {these}
),
gone AS (
    DELETE FROM {table} AS o USING span AS said
    WHERE {match} AND {same} AND {unused}
    RETURNING said.place
),
left_over AS (
    INSERT INTO members_importleftover (run_id, label, subject, name, reason, detail)
    SELECT
        %(run)s, %(part)s, coalesce(m.merged_into, {member}), left(coalesce({shown}, ''), 120),
        CASE WHEN o.pool_id IS NULL THEN 'merged' WHEN {unused} THEN 'changed' ELSE 'in_use' END, '{{}}'
    FROM span AS said
    LEFT JOIN gone ON gone.place = said.place
    LEFT JOIN {table} AS o ON {match}
    LEFT JOIN members_member AS m ON m.id = {member}
    WHERE gone.place IS NULL AND (o.pool_id IS NOT NULL OR m.merged_into IS NOT NULL)
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS done, (SELECT count(*) FROM left_over) AS "left"
