-- Take the other tags of an exclusive group off members who are about to get one of it.
-- Reads members_tag; writes members_membertag. A re-run finds none. Leans on the key (member, tag).
DELETE FROM members_membertag AS t USING members_tag AS other
WHERE other.group_id = %(group_id)s AND other.id <> %(tag_id)s
AND t.tag_id = other.id AND t.member_id = ANY(%(ids)s::bigint[])
