-- Who carries a tag, and of them who is on notice (their time ends otherwise than everybody's): two packed values.
-- Reads members_membertag; leans on member_tag_tag.
SELECT
    string_agg(int8send(member_id), '') AS everybody,
    string_agg(int8send(member_id), '') FILTER (WHERE due IS DISTINCT FROM %(due)s::timestamptz) AS on_notice
FROM members_membertag
WHERE tag_id = %(tag_id)s
