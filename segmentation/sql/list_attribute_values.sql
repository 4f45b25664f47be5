-- Values of one attribute, most frequent first, as found in a sample of the pool.
-- Reads members_member; writes nothing.
SELECT value, count(*) AS n
FROM (
    SELECT attributes ->> %(key)s AS value FROM members_member
    WHERE pool_id = %(pool)s AND merged_into IS NULL AND attributes ? %(key)s
    LIMIT 50000
) AS latest
WHERE value <> '' AND position(lower(%(q)s) IN lower(value)) > 0
GROUP BY value
ORDER BY n DESC, value
LIMIT %(limit)s
