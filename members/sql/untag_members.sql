-- Take a tag off members of its pool.
-- Writes members_membertag; a re-run finds none. Leans on the key (member, tag).
DELETE FROM members_membertag WHERE tag_id = %(tag_id)s AND member_id = ANY(%(ids)s::bigint[])
RETURNING member_id
