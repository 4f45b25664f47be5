-- What members earned, in thousandths of a point, as of the day the scheme counts from: each act is worth half after
-- a half-life, by whole days; what has no moment does not decay. Later acts are worth what they are.
-- Reads {acts} (member_id, item, at, points); a plain SELECT, kept in a table of the run. Each act is rounded by itself,
-- so sums are of integers and exact in any order.
-- sample {acts} = SELECT member_id, 0 AS item, placed_at AS at, 1000::bigint AS points FROM members_order WHERE {mine}
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    sum(
        CASE
            WHEN %(half_life)s = 0 OR at IS NULL OR at >= %(counted_from)s THEN points
            ELSE
                round(points * power(0.5, floor(extract(EPOCH FROM %(counted_from)s - at) / 86400)::float8 / %(half_life)s))::bigint
        END
    )::bigint AS points
FROM ({acts}) AS a
GROUP BY member_id
