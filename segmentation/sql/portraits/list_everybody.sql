-- Every live member of a pool, as the one part of a cut.
-- Reads members_member; writes nothing. Leans on member_live.
SELECT id, 1 AS v0
FROM members_member
WHERE pool_id = %(pool)s AND merged_into IS NULL
