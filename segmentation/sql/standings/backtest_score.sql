-- How well the score of an earlier day would have told who buys in the days after it, for several half-lives: the
-- chance that a buyer stood above somebody who did not buy (AUC, ties by half). A sample of members, by their number.
-- Reads {acts} (member_id, item, at, points), members_order; writes nothing. Half-life 0: no decay.
-- sample {acts} = SELECT member_id, 0 AS item, placed_at AS at, 1000::bigint AS points FROM members_order
WITH scored AS (
    SELECT
        a.member_id,
        h.half_life,
        sum(
            CASE
                WHEN h.half_life = 0 OR a.at IS NULL THEN a.points
                ELSE round(a.points * power(0.5, floor(extract(EPOCH FROM %(as_of)s - a.at) / 86400)::float8 / h.half_life))::bigint
            END
        ) AS points
    FROM ({acts}) AS a
    CROSS JOIN unnest(%(half_lives)s::int[]) AS h (half_life)
    GROUP BY a.member_id, h.half_life
),

judged AS (
    SELECT
        s.half_life,
        EXISTS (
            SELECT FROM members_order AS o
            WHERE
                o.member_id = s.member_id AND o.pool_id = %(pool_id)s AND o.status = 1
                AND o.placed_at > %(as_of)s AND o.placed_at <= %(until)s
        ) AS bought,
        rank() OVER (PARTITION BY s.half_life ORDER BY s.points) AS place,
        count(*) OVER (PARTITION BY s.half_life, s.points) AS ties
    FROM scored AS s
)

SELECT
    half_life,
    count(*) AS members,
    count(*) FILTER (WHERE bought) AS buyers,
    (
        sum(place + (ties - 1) / 2.0) FILTER (WHERE bought)
        - count(*) FILTER (WHERE bought) * (count(*) FILTER (WHERE bought) + 1) / 2.0
    )::float8 / nullif(count(*) FILTER (WHERE bought) * count(*) FILTER (WHERE NOT bought), 0) AS auc
FROM judged
GROUP BY half_life
ORDER BY half_life
