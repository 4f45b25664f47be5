-- Stores found in the latest orders of a pool, most frequent first.
-- Reads members_order; writes nothing. A bounded sample: stores are few and frequent.
SELECT value, count(*) AS n
FROM (
    SELECT store AS value FROM members_order WHERE pool_id = %(pool)s AND store <> '' LIMIT 100000
) AS latest
WHERE position(lower(%(q)s) IN lower(value)) > 0
GROUP BY value
ORDER BY n DESC, value
LIMIT %(limit)s
