-- Who carries any of these tags, packed into one value.
-- Reads members_membertag; leans on member_tag_tag.
SELECT string_agg(int8send(member_id), '') AS packed
FROM (SELECT DISTINCT member_id FROM members_membertag WHERE tag_id = ANY(%(tags)s::bigint[])) AS held
