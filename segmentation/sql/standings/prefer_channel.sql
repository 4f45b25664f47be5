-- The channel a member answers best through: own answers, with the pool's share counting like some messages more.
-- Reads {gathered}, {scope}; a plain SELECT. `rates` are the pool's shares in millionths; a channel without is not offered.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {gathered} = (SELECT member_id, 1::smallint AS carrier, 1 AS sent, 0 AS answered, now() AS due FROM members_memberstate)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT DISTINCT ON (f.member_id)
    f.member_id,
    f.carrier AS code,
    f.expected / 100 AS value,
    NULL::timestamptz AS since,
    f.due,
    NULL::timestamptz AS expected_at
FROM (
    SELECT
        g.member_id,
        g.carrier,
        (g.answered::bigint * 1000000 + %(strength)s * r.rate) / (g.sent + %(strength)s) AS expected,
        sum(g.sent) OVER (PARTITION BY g.member_id) AS known,
        min(g.due) OVER (PARTITION BY g.member_id) AS due
    FROM {gathered} AS g
    INNER JOIN {scope} AS m ON m.member_id = g.member_id
    INNER JOIN unnest(%(carriers)s::smallint[], %(rates)s::bigint[]) AS r (carrier, rate) ON r.carrier = g.carrier
    WHERE g.member_id BETWEEN {low} AND {high}
) AS f
WHERE f.known >= %(least)s
ORDER BY f.member_id, f.expected DESC, f.carrier
