-- Who sent messages in a pool: the first two parts of the steps' sources ("campaign:42"), latest first.
-- Reads touchpoints_step; writes nothing.
SELECT split_part(source, ':', 1) || ':' || split_part(source, ':', 2) AS value, max(id) AS latest
FROM touchpoints_step
WHERE pool_id = %(pool)s
GROUP BY value
ORDER BY latest DESC
LIMIT 500
