-- The highest step a member was seen on, and when its evidence is too old; who was seen on none stands nowhere.
-- Reads {scope} and {gathered} (gather_steps); a plain SELECT.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {gathered} = (SELECT member_id, due AS until_1, due AS until_2, due AS until_3, due AS until_4, due AS since_1, due AS since_2, due AS since_3, due AS since_4 FROM members_memberstanding)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    g.member_id,
    top.step AS code,
    NULL::bigint AS value,
    top.since,
    nullif(top.until, 'infinity') AS due,
    NULL::timestamptz AS expected_at
FROM {gathered} AS g
INNER JOIN {scope} AS w ON w.member_id = g.member_id
CROSS JOIN LATERAL (
    SELECT s.step, s.until, s.since
    FROM (VALUES (4, g.until_4, g.since_4), (3, g.until_3, g.since_3), (2, g.until_2, g.since_2), (1, g.until_1, g.since_1))
        AS s (step, until, since)
    WHERE s.until IS NOT NULL
    ORDER BY s.step DESC
    LIMIT 1
) AS top
WHERE g.member_id BETWEEN {low} AND {high}
