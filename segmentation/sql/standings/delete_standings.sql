-- Members who stand nowhere in the scheme any more lose their row.
-- Reads {changes}; writes members_memberstanding. A re-run finds none.
-- Leans on the primary key.
-- sample {changes} = (SELECT *, true AS is_new FROM members_memberstanding)
DELETE FROM members_memberstanding AS s
USING {changes} AS c
WHERE s.member_id = c.member_id AND s.scheme_id = %(scheme_id)s AND c.code IS NULL
