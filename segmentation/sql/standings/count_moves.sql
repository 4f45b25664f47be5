-- How many members would go from which class to which, and what the values would add up to.
-- Reads {computed} (the family's SELECT) and members_memberstanding; writes nothing.
-- sample {computed} = (SELECT member_id, code, value, since, due, expected_at FROM members_memberstanding)
SELECT o.code AS old_code, n.code, count(*) AS members, sum(n.value) AS value
FROM {computed} AS n
FULL JOIN (
    SELECT s.member_id, s.code FROM members_memberstanding AS s WHERE s.scheme_id = %(scheme_id)s
) AS o ON o.member_id = n.member_id
GROUP BY o.code, n.code
