-- Who carries each of some tags: the ids, eight bytes each, in one value a tag.
-- Reads members_membertag; leans on member_tag_tag.
SELECT tag_id, string_agg(int8send(member_id), '') AS packed
FROM members_membertag
WHERE tag_id = ANY(%(tags)s::bigint[])
GROUP BY tag_id
