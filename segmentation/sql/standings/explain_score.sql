-- Where one member's points come from: per item how often, how many points they were and what is left of them.
-- Reads {acts} (member_id, item, at, points); writes nothing.
-- sample {acts} = SELECT member_id, 0 AS item, placed_at AS at, 1000::bigint AS points FROM members_order
SELECT
    item,
    count(*) AS times,
    max(at) AS latest,
    sum(points)::bigint AS given,
    sum(
        CASE
            WHEN %(half_life)s = 0 OR at IS NULL OR at >= %(counted_from)s THEN points
            ELSE
                round(points * power(0.5, floor(extract(EPOCH FROM %(counted_from)s - at) / 86400)::float8 / %(half_life)s))::bigint
        END
    )::bigint AS points
FROM ({acts}) AS a
GROUP BY item
ORDER BY points DESC, item
