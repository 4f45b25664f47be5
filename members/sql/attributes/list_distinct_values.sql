-- The different values that the members of a range of ids have in one attribute, as JSON text.
-- Reads members_member (primary key); writes nothing.
SELECT DISTINCT (attributes -> %(key)s)::text AS value
FROM members_member
WHERE pool_id = %(pool)s AND id > %(after)s AND id <= %(upto)s AND attributes ? %(key)s
