-- For each step of the ladder: how many reached it, how many the next one, and how long that took (quartiles, seconds).
-- Reads {gathered} (gather_purchases); writes nothing. Equal waits always fall on the same side of a quartile.
-- sample {gathered} = (SELECT member_id, 1 AS purchases, ARRAY[since] AS reached FROM members_memberstanding)
SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.step), '[]') AS steps
FROM (
    SELECT
        k AS step,
        count(*) AS reached,
        count(g.reached[k + 1]) AS advanced,
        percentile_disc(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (
            ORDER BY date_part('epoch', g.reached[k + 1] - g.reached[k])::bigint
        ) FILTER (WHERE g.reached[k + 1] IS NOT NULL) AS wait
    FROM {gathered} AS g
    CROSS JOIN LATERAL generate_series(1, cardinality(g.reached)) AS k
    WHERE k <= %(steps)s::int
    GROUP BY k
) AS s
