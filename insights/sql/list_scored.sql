-- The members with one pair of recency and frequency scores.
-- Reads members_memberstate; writes nothing.
SELECT member_id AS id
FROM members_memberstate
WHERE pool_id = %(pool_id)s AND r = %(r)s AND f = %(f)s
