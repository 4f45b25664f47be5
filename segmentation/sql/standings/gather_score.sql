-- What members earned, in thousandths of a point, as of the day the scheme counts from: each act is worth half after
-- a half-life, by whole days; what has no moment does not decay. Later acts are worth what they are.
-- Reads {acts} (member_id, item, at, points) and {counted} (member_id, points), what is decayed already; a plain SELECT,
-- kept in a table of the run. Each act is rounded by itself, so sums are of integers and exact in any order.
-- sample {acts} = SELECT member_id, 0 AS item, placed_at AS at, 1000::bigint AS points FROM members_order WHERE {mine}
-- sample {counted} = SELECT member_id, 1000::bigint AS points FROM members_order WHERE {mine}
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    sum(points)::bigint AS points
FROM (
    SELECT
        a.member_id,
        CASE
            WHEN %(half_life)s = 0 OR a.at IS NULL OR a.at >= %(counted_from)s THEN a.points
            ELSE
                round(a.points * power(0.5, floor(extract(EPOCH FROM %(counted_from)s - a.at) / 86400)::float8 / %(half_life)s))
                ::bigint
        END AS points
    FROM ({acts}) AS a
    UNION ALL
    SELECT c.member_id, c.points
    FROM ({counted}) AS c
) AS p
GROUP BY member_id
