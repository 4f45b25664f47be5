-- The most frequent values of one attribute, and how many members have any.
-- Reads members_member; writes nothing. {each} yields the values of one member.
-- sample {each} = SELECT attributes ->> %(key)s AS value
SELECT
    one.value,
    count(*) AS members,
    (
        SELECT count(*)
        FROM members_member
        WHERE pool_id = %(pool)s AND merged_into IS NULL AND attributes ? %(key)s
    ) AS total
FROM members_member AS m
CROSS JOIN LATERAL ({each}) AS one
WHERE m.pool_id = %(pool)s AND m.merged_into IS NULL AND m.attributes ? %(key)s
GROUP BY one.value
ORDER BY members DESC, one.value
LIMIT %(limit)s
