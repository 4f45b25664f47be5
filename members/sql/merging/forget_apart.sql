-- A person joins members who were said to be two people: it is no longer said.
-- Reads merge_groups; deletes from members_notsame. A re-run finds none.
DELETE FROM members_notsame AS n
USING members_member AS f, members_member AS s, merge_groups AS a, merge_groups AS b
WHERE n.pool_id = %(pool_id)s AND f.id = n.first_id AND s.id = n.second_id
    AND a.member_id = COALESCE(f.merged_into, f.id) AND b.member_id = COALESCE(s.merged_into, s.id) AND a.root = b.root
