-- The highest step a member was seen on, and when its evidence is too old; who was seen on none stands nowhere.
-- Reads {scope} and {gathered} (gather_steps); a plain SELECT.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {gathered} = (SELECT member_id, due AS until_1, due AS until_2, due AS until_3, due AS until_4, due AS since_1, due AS since_2, due AS since_3, due AS since_4 FROM members_memberstanding)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    s.member_id,
    s.step AS code,
    NULL::bigint AS value,
    CASE s.step WHEN 4 THEN s.since_4 WHEN 3 THEN s.since_3 WHEN 2 THEN s.since_2 ELSE s.since_1 END AS since,
    nullif(CASE s.step WHEN 4 THEN s.until_4 WHEN 3 THEN s.until_3 WHEN 2 THEN s.until_2 ELSE s.until_1 END, 'infinity') AS due,
    NULL::timestamptz AS expected_at
FROM (
    SELECT
        g.*,
        CASE
            WHEN g.until_4 IS NOT NULL THEN 4
            WHEN g.until_3 IS NOT NULL THEN 3
            WHEN g.until_2 IS NOT NULL THEN 2
            WHEN g.until_1 IS NOT NULL THEN 1
        END AS step
    FROM {gathered} AS g
    INNER JOIN {scope} AS w ON w.member_id = g.member_id
    WHERE g.member_id BETWEEN {low} AND {high}
) AS s
WHERE s.step IS NOT NULL
