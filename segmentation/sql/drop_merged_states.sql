-- A member merged into another has no state of its own.
-- Reads members_member; writes members_memberstate. A re-run finds none.
-- Leans on member_merged, which holds nobody else.
DELETE FROM members_memberstate AS s
USING members_member AS m
WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NOT NULL AND s.member_id = m.id
