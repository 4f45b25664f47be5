-- Products that order lines name and the catalogue lacks: a stub with the name the file gives, to be filled in later.
INSERT INTO members_product (pool_id, sku, name, category, subcategory, brand)
SELECT %(pool)s, s.sku, coalesce(max(s.product), ''), '', '', ''
FROM {stage} AS s
WHERE NOT EXISTS (SELECT FROM members_product AS known WHERE known.pool_id = %(pool)s AND known.sku = s.sku)
GROUP BY s.sku
ON CONFLICT DO NOTHING
