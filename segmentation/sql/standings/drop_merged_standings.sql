-- A member merged into another stands nowhere.
-- Reads members_member; writes members_memberstanding. A re-run finds none.
-- Leans on member_merged, which holds nobody else, and the primary key.
DELETE FROM members_memberstanding AS s
USING members_member AS m
WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NOT NULL AND s.member_id = m.id
