-- Where the members of a scope stand in all schemes now, against what is stored: the rows that differ.
-- Reads {computed} (the families' SELECTs, with the scheme), {scope} and members_memberstanding; a plain SELECT, kept in a
-- temporary table. Otherwise as find_changes.
-- Leans on the primary key: one look per member, for all schemes.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {computed} = (SELECT scheme_id, member_id, code, value, since, due, expected_at FROM members_memberstanding)
SELECT
    coalesce(n.member_id, o.member_id) AS member_id,
    coalesce(n.scheme_id, o.scheme_id) AS scheme_id,
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
    SELECT s.ctid AS place, s.member_id, s.scheme_id, s.code, s.value, s.since, s.due, s.expected_at
    FROM {scope} AS w
    INNER JOIN members_memberstanding AS s ON s.member_id = w.member_id
    WHERE s.scheme_id = ANY(%(schemes)s::int[])
) AS o ON o.member_id = n.member_id AND o.scheme_id = n.scheme_id
WHERE
    (n.member_id IS NULL) <> (o.member_id IS NULL)
    OR (n.code, n.value, coalesce(n.since, o.since), n.due, n.expected_at)
    IS DISTINCT FROM (o.code, o.value, o.since, o.due, o.expected_at)
