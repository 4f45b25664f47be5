-- The band of every member with at least one point, by constant edges; value: whole points.
-- Reads {gathered} (member_id, points in thousandths), {scope}; a plain SELECT.
-- sample {gathered} = (SELECT member_id, 1000::bigint AS points FROM members_memberstate)
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    g.member_id,
    1 + (g.points / 1000 >= %(warm_from)s)::int + (g.points / 1000 >= %(hot_from)s)::int
    + (g.points / 1000 >= %(top_from)s)::int AS code,
    g.points / 1000 AS value,
    NULL::timestamptz AS since,
    NULL::timestamptz AS due,
    NULL::timestamptz AS expected_at
FROM {gathered} AS g
INNER JOIN {scope} AS s ON s.member_id = g.member_id
WHERE g.points >= 1000 AND g.member_id BETWEEN {low} AND {high}
