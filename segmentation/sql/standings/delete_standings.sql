-- Members who stand nowhere in the scheme any more lose their row.
-- Reads {changes}; writes members_memberstanding. A re-run finds none.
-- Leans on the primary key. "+ 0": what is known of a new scheme is that it has no rows, so the planner would
-- read all of its rows for each change (minutes instead of a second).
-- sample {changes} = (SELECT *, true AS is_new FROM members_memberstanding)
DELETE FROM members_memberstanding AS s
USING {changes} AS c
WHERE s.member_id = c.member_id AND s.scheme_id + 0 = %(scheme_id)s AND c.code IS NULL
