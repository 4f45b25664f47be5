-- Invented products: 600 of them in the categories given, each of four subcategories.
-- Reads nothing; writes members_product. A re-run conflicts and does nothing.
INSERT INTO members_product (pool_id, sku, name, category, subcategory, brand, price)
SELECT
    %(pool_id)s,
    'G' || lpad(k::text, 4, '0'),
    category || ' ' || k,
    category,
    category || (1 + k / array_length(%(categories)s::text[], 1) %% 4),
    substr('ABCDEFGHIJKLMNOPQRST', 1 + (k %% 20), 1),
    (500 + unit_hash(k, %(seed)s + 28) * 30000)::bigint
FROM generate_series(1, 600) AS k
CROSS JOIN LATERAL (SELECT (%(categories)s::text[])[1 + k %% array_length(%(categories)s::text[], 1)] AS category) AS c
ON CONFLICT (pool_id, sku) DO NOTHING
