-- Members who stand nowhere in the scheme any more lose their row.
-- Reads {changes}; writes members_memberstanding. A re-run finds none.
-- Leans on where the rows were when they were compared. One that somebody else has written since stands elsewhere, or
-- is another's: it is left, as whoever wrote it has touched the member.
-- sample {changes} = (SELECT *, ctid AS place, true AS is_new FROM members_memberstanding)
DELETE FROM members_memberstanding AS s
USING {changes} AS c
WHERE s.ctid = c.place AND s.member_id = c.member_id AND s.scheme_id = c.scheme_id AND c.code IS NULL
