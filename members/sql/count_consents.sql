-- How a pool's members answered, by carrier, purpose, answer and wording. Reads members_consent and members_member.
SELECT
    c.carrier,
    c.purpose,
    c.granted,
    c.wording,
    count(*) AS count
FROM members_consent AS c
INNER JOIN members_member AS m ON c.member_id = m.id
WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 5 DESC
