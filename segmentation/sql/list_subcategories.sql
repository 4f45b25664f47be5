-- subcategories of a pool's products, those with most products first.
-- Reads members_product; writes nothing.
SELECT subcategory AS value, count(*) AS n
FROM members_product
WHERE pool_id = %(pool)s AND subcategory <> '' AND position(lower(%(q)s) IN lower(subcategory)) > 0
GROUP BY subcategory
ORDER BY n DESC, value
LIMIT %(limit)s
