-- Pairs of members who are two people, each as they are found now.
-- Reads members_notsame, members_member.
SELECT COALESCE(f.merged_into, f.id) AS first_id, COALESCE(s.merged_into, s.id) AS second_id
FROM members_notsame AS n JOIN members_member AS f ON f.id = n.first_id JOIN members_member AS s ON s.id = n.second_id
WHERE n.pool_id = %(pool_id)s AND COALESCE(f.merged_into, f.id) <> COALESCE(s.merged_into, s.id)
ORDER BY n.id
