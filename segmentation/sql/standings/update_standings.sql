-- Write the new standing of members that have one in the scheme already.
-- Reads {changes}; writes members_memberstanding. A re-run finds no changes, so it writes nothing.
-- Leans on the primary key. "+ 0": what is known of a new scheme is that it has no rows, so the planner would
-- read all of its rows for each change (minutes instead of a second).
-- sample {changes} = (SELECT *, true AS is_new FROM members_memberstanding)
UPDATE members_memberstanding AS s
SET code = c.code, value = c.value, since = c.since, due = c.due, expected_at = c.expected_at
FROM {changes} AS c
WHERE s.member_id = c.member_id AND s.scheme_id + 0 = %(scheme_id)s AND NOT c.is_new AND c.code IS NOT NULL
