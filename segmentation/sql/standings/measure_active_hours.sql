-- How the pool's activity spreads over the hours of its day.
-- Reads {gathered}; writes nothing. Sums of integers, so exact in any order.
-- sample {gathered} = (SELECT member_id, 1::smallint AS hour, 1 AS n, now() AS due FROM members_memberstate)
SELECT array_agg(coalesce(f.n, 0) ORDER BY h.hour) AS hours
FROM generate_series(0, 23) AS h (hour)
LEFT JOIN (SELECT hour, sum(n)::bigint AS n FROM {gathered} AS g GROUP BY hour) AS f ON f.hour = h.hour
