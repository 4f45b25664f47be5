-- How many members stand in each class of some schemes, and what their values add up to.
-- Reads members_memberstanding; writes nothing.
-- Leans on standing_code.
SELECT scheme_id, code, count(*) AS members, sum(value) AS value
FROM members_memberstanding
WHERE scheme_id = ANY(%(schemes)s::int[])
GROUP BY scheme_id, code
