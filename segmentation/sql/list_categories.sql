-- categories of a pool's products, those with most products first.
-- Reads members_product; writes nothing.
SELECT category AS value, count(*) AS n
FROM members_product
WHERE pool_id = %(pool)s AND category <> '' AND position(lower(%(q)s) IN lower(category)) > 0
GROUP BY category
ORDER BY n DESC, value
LIMIT %(limit)s
