-- Take one attribute off the members of a range of ids.
-- Reads and writes members_member, only rows that have it; a re-run finds none. Leans on the primary key.
UPDATE members_member
SET attributes = attributes - %(key)s
WHERE pool_id = %(pool)s AND id > %(after)s AND id <= %(upto)s AND attributes ? %(key)s
RETURNING id AS member_id
