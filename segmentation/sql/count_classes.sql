-- How many members of a pool are in each stage and RFM group.
-- Reads members_memberstate; writes nothing.
SELECT stage, rfm_group, count(*) AS members
FROM members_memberstate
WHERE pool_id = %(pool_id)s
GROUP BY stage, rfm_group
