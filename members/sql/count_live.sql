-- How many members a pool has, merged and erased ones left out. Leans on member_live.
SELECT count(*) FROM members_member WHERE pool_id = %(pool_id)s AND merged_into IS NULL
