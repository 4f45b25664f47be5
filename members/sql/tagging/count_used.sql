-- Per tag of a pool: carriers, when it was given last, and how many lose it within a week.
-- Reads members_tag, members_membertag; leans on member_tag_tag.
SELECT t.id AS tag_id, count(c.member_id) AS carriers, max(c.at) AS latest, count(*) FILTER (WHERE c.due < %(soon)s) AS ending
FROM members_tag AS t
LEFT JOIN members_membertag AS c ON c.tag_id = t.id
WHERE t.pool_id = %(pool_id)s AND t.retired_at IS NULL
GROUP BY t.id
