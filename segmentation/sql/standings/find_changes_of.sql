-- The same as find_changes, for the members of a scope only.
-- Reads {scope}, {computed} and members_memberstanding; a plain SELECT, kept in a temporary table.
-- Leans on the primary key: one look per member ("+ 0" keeps the planner from reading the whole scheme for each).
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {computed} = (SELECT member_id, code, value, since, due, expected_at FROM members_memberstanding)
SELECT
    w.member_id,
    n.code::smallint AS code,
    n.value::bigint AS value,
    coalesce(n.since, CASE WHEN n.code = o.code THEN o.since ELSE %(as_of)s END) AS since,
    n.due,
    n.expected_at,
    o.code AS old_code,
    o.member_id IS NULL AS is_new
FROM {scope} AS w
LEFT JOIN {computed} AS n ON n.member_id = w.member_id
LEFT JOIN members_memberstanding AS o ON o.member_id = w.member_id AND o.scheme_id + 0 = %(scheme_id)s
WHERE
    (n.member_id IS NULL) <> (o.member_id IS NULL)
    OR (n.code, n.value, coalesce(n.since, o.since), n.due, n.expected_at)
    IS DISTINCT FROM (o.code, o.value, o.since, o.due, o.expected_at)
