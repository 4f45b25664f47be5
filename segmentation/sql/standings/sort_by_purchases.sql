-- The step of the ladder a member has reached, since when, and when those who take the next one usually have.
-- Reads {scope} and {gathered} (gather_purchases); a plain SELECT. Who never bought stands nowhere.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {gathered} = (SELECT member_id, 1 AS purchases, ARRAY[since] AS reached FROM members_memberstanding)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    g.member_id,
    least(g.purchases, %(steps)s::int) AS code,
    g.purchases AS value,
    g.reached[least(g.purchases, %(steps)s::int)] AS since,
    NULL::timestamptz AS due,
    CASE
        WHEN g.purchases < %(steps)s::int THEN g.reached[g.purchases] + (%(waits)s::bigint[])[g.purchases] * interval '1 second'
    END AS expected_at
FROM {gathered} AS g
INNER JOIN {scope} AS w ON w.member_id = g.member_id
WHERE g.member_id BETWEEN {low} AND {high}
