-- Two tags become one: remember every row of the source, and whether its member carries the target already; how many.
-- Reads members_membertag; writes members_mergedtag. A re-run finds them remembered. Leans on member_tag_tag.
INSERT INTO members_mergedtag (member_id, merge_id, at, by_id, due, had)
SELECT s.member_id, %(merge_id)s, s.at, s.by_id, s.due, t.member_id IS NOT NULL
FROM members_membertag AS s
LEFT JOIN members_membertag AS t ON t.member_id = s.member_id AND t.tag_id = %(target_id)s
WHERE s.tag_id = %(source_id)s
ON CONFLICT (member_id, merge_id) DO NOTHING
