-- Write the new standing of members that have one in the scheme already.
-- Reads {changes}; writes members_memberstanding. A re-run finds no changes, so it writes nothing.
-- Leans on where the rows were when they were compared. One that somebody else has written since stands elsewhere, or
-- is another's: it is left, as whoever wrote it has touched the member.
-- sample {changes} = (SELECT *, ctid AS place, true AS is_new FROM members_memberstanding)
UPDATE members_memberstanding AS s
SET code = c.code, value = c.value, since = c.since, due = c.due, expected_at = c.expected_at
FROM {changes} AS c
WHERE s.ctid = c.place AND s.member_id = c.member_id AND s.scheme_id = c.scheme_id AND NOT c.is_new AND c.code IS NOT NULL
