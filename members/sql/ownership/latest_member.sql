-- The newest member of a pool by number.
-- Reads members_member backwards by its key index member_live; writes nothing.
SELECT max(id) FROM members_member WHERE pool_id = %(pool_id)s AND merged_into IS NULL
