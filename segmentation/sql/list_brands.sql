-- brands of a pool's products, those with most products first.
-- Reads members_product; writes nothing.
SELECT brand AS value, count(*) AS n
FROM members_product
WHERE pool_id = %(pool)s AND brand <> '' AND position(lower(%(q)s) IN lower(brand)) > 0
GROUP BY brand
ORDER BY n DESC, value
LIMIT %(limit)s
