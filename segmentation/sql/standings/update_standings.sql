-- Write the new standing of members that have one in the scheme already.
-- Reads {changes}; writes members_memberstanding. A re-run finds no changes, so it writes nothing.
-- Leans on the primary key.
-- sample {changes} = (SELECT *, true AS is_new FROM members_memberstanding)
UPDATE members_memberstanding AS s
SET code = c.code, value = c.value, since = c.since, due = c.due, expected_at = c.expected_at
FROM {changes} AS c
WHERE s.member_id = c.member_id AND s.scheme_id = %(scheme_id)s AND NOT c.is_new AND c.code IS NOT NULL
