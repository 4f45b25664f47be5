-- Categories and subcategories of what a pool sells, with how many products each has; the largest first.
-- Reads members_product; writes nothing.
SELECT 'category' AS level, category AS value, count(*) AS n
FROM members_product WHERE pool_id = %(pool_id)s AND category <> '' GROUP BY category
UNION ALL
SELECT 'subcategory' AS level, subcategory AS value, count(*) AS n
FROM members_product WHERE pool_id = %(pool_id)s AND subcategory <> '' GROUP BY subcategory
ORDER BY n DESC, value
