-- How many members without an order are at each stage before it.
-- Reads members_memberstate; writes nothing.
SELECT lead AS code, count(*) AS members
FROM members_memberstate
WHERE pool_id = %(pool_id)s AND lead IS NOT NULL
GROUP BY lead
