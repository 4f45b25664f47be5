-- Per group of a pool, how many members carry at least one of its tags.
-- Reads members_tag, members_membertag; leans on member_tag_tag.
SELECT t.group_id, count(DISTINCT c.member_id) AS members
FROM members_membertag AS c INNER JOIN members_tag AS t ON t.id = c.tag_id
WHERE t.pool_id = %(pool_id)s AND t.retired_at IS NULL
GROUP BY t.group_id
