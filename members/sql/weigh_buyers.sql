-- How many invented members buy at all, and the sum of their Pareto weights: scales orders to the number asked for.
-- Reads and writes nothing. The same seed gives the same sum.
SELECT
    count(*) AS buyers,
    sum(least(200, power(1 - unit_hash(k, %(seed)s + 13), -1 / 1.4)) - 1) AS weight
FROM generate_series(1, %(members)s::bigint) AS k
WHERE unit_hash(k, %(seed)s + 1) >= %(quiet)s
