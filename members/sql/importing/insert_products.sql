-- New products of one chunk; one that was made elsewhere meanwhile stays as it is.
-- not prepared: reads tables made by each import
INSERT INTO members_product (pool_id, sku, name, category, subcategory, brand, price)
SELECT %(pool)s, sku, coalesce(name, ''), coalesce(category, ''), coalesce(subcategory, ''), coalesce(brand, ''), price
FROM {ready}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 0
ON CONFLICT DO NOTHING
