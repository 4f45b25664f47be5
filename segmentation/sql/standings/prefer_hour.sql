-- The three hours in a row (named by the first; the day is a circle) in which a member is most likely about: own
-- activity, with the pool's day counting like some facts more. Value: their share of the day, in hundredths of a per cent.
-- Reads {gathered}, {scope}; a plain SELECT. `shares`: the pool's share of the three hours from 0, 1 … 23, in millionths;
-- `best` is where that is highest: the only candidate without activity of the member's own.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {gathered} = (SELECT member_id, 1::smallint AS hour, 1 AS n, now() AS due FROM members_memberstate)
-- sample {low} = 0
-- sample {high} = 4294967295
WITH known AS (
    SELECT g.member_id, g.hour, g.n, sum(g.n) OVER person AS whole, min(g.due) OVER person AS due
    FROM {gathered} AS g
    INNER JOIN {scope} AS m ON m.member_id = g.member_id
    WHERE g.member_id BETWEEN {low} AND {high}
    WINDOW person AS (PARTITION BY g.member_id)
),

candidates AS (
    SELECT member_id, mod(hour + 24 - b.back, 24) AS start, n, whole, due
    FROM known
    CROSS JOIN generate_series(0, 2) AS b (back)
    WHERE whole >= %(least)s
    UNION ALL
    SELECT DISTINCT member_id, %(best)s, 0, whole, due
    FROM known
    WHERE whole >= %(least)s
),

weighed AS (
    SELECT
        c.member_id,
        c.start,
        (sum(c.n) * 1000000 + %(strength)s * max(p.share)) / (max(c.whole) + %(strength)s) AS expected,
        min(c.due) AS due
    FROM candidates AS c
    INNER JOIN unnest(%(shares)s::bigint[]) WITH ORDINALITY AS p (share, place) ON p.place = c.start + 1
    GROUP BY c.member_id, c.start
)

SELECT DISTINCT ON (member_id)
    member_id,
    start::smallint AS code,
    floor(expected / 100)::bigint AS value,
    NULL::timestamptz AS since,
    due,
    NULL::timestamptz AS expected_at
FROM weighed
ORDER BY member_id, expected DESC, start
