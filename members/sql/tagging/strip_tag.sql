-- A tag is deleted: take it off everybody, with a line of history each; how many.
-- Writes members_membertag and its history; a re-run finds nobody. Leans on member_tag_tag.
WITH gone AS (DELETE FROM members_membertag WHERE tag_id = %(tag_id)s RETURNING member_id)
INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id)
SELECT member_id, nextval('members_tagchange_id_seq'), %(tag_id)s, 2, 10, %(as_of)s, %(by_id)s FROM gone
