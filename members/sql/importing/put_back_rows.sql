-- Rows of one chunk of an import's changes get their old values back where the present ones are still the import's.
-- Reads the import's journal; writes {table}, and members_importleftover for what differs since. The chunk's mark is committed with it.
-- Leans on the primary key of {table}.
-- not prepared: reads a table kept by each import
WITH span AS (
    SELECT ctid AS place, * FROM {changed} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND part = %(part)s
),
now AS (
    SELECT
        span.*,
        (
            SELECT jsonb_agg(a.key ORDER BY a.key) FROM jsonb_each(span.after) AS a
            WHERE to_jsonb(o) -> a.key IS DISTINCT FROM a.value AND to_jsonb(o) -> a.key IS DISTINCT FROM span.before -> a.key
        ) AS fields
    FROM span JOIN {table} AS o ON {match}
    FOR UPDATE OF o
),
back AS (
    UPDATE {table} AS o
    SET {sets}
    FROM now AS span CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, span.before) AS b
    WHERE {match} AND ({by_field} OR span.fields IS NULL)
    RETURNING 1
),
left_over AS (
    INSERT INTO members_importleftover (run_id, label, subject, name, reason, detail)
    SELECT
        %(run)s, %(part)s, coalesce(m.merged_into, span.member_id), left(coalesce({shown}, ''), 120),
        CASE WHEN now.place IS NULL THEN 'merged' ELSE 'changed' END,
        CASE WHEN now.place IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object('fields', now.fields) END
    FROM span LEFT JOIN now ON now.place = span.place LEFT JOIN members_member AS m ON m.id = span.member_id
    WHERE now.fields IS NOT NULL OR (now.place IS NULL AND m.merged_into IS NOT NULL)
    RETURNING 1
)
SELECT (SELECT count(*) FROM back) AS done, (SELECT count(*) FROM left_over) AS "left"
