-- Where every member stands in a scheme now, against what is stored: the rows that differ; code null: to be removed.
-- Reads {computed} (the family's SELECT) and members_memberstanding; a plain SELECT, kept in a table of the run.
-- A family that does not know since when a code holds leaves that to us: since this run, or as stored.
-- Leans on standing_code: the rows of one scheme.
-- sample {computed} = (SELECT member_id, code, value, since, due, expected_at FROM members_memberstanding)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    coalesce(n.member_id, o.member_id) AS member_id,
    %(scheme_id)s::int AS scheme_id,
    n.code::smallint AS code,
    n.value::bigint AS value,
    coalesce(n.since, CASE WHEN n.code = o.code THEN o.since ELSE %(as_of)s END) AS since,
    n.due,
    n.expected_at,
    o.code AS old_code,
    o.member_id IS NULL AS is_new,
    o.place
FROM {computed} AS n
FULL JOIN (
    SELECT s.ctid AS place, s.member_id, s.code, s.value, s.since, s.due, s.expected_at
    FROM members_memberstanding AS s
    WHERE s.scheme_id = %(scheme_id)s AND s.member_id BETWEEN {low} AND {high}
) AS o ON o.member_id = n.member_id
WHERE
    (n.member_id IS NULL) <> (o.member_id IS NULL)
    OR (n.code, n.value, coalesce(n.since, o.since), n.due, n.expected_at)
    IS DISTINCT FROM (o.code, o.value, o.since, o.due, o.expected_at)
