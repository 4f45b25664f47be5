-- Products of a file beside what is known of them.
-- Writes the run's own ready table; class 0 new, 1 unchanged, 2 changed. An empty cell says nothing.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {ready} AS
SELECT
    s.line, s.sku, s.name, s.category, s.subcategory, s.brand, s.price, old.id AS id,
    CASE
        WHEN old.id IS NULL THEN 0
        WHEN coalesce(s.name, old.name) IS DISTINCT FROM old.name
            OR coalesce(s.category, old.category) IS DISTINCT FROM old.category
            OR coalesce(s.subcategory, old.subcategory) IS DISTINCT FROM old.subcategory
            OR coalesce(s.brand, old.brand) IS DISTINCT FROM old.brand
            OR coalesce(s.price, old.price) IS DISTINCT FROM old.price
            THEN 2
        ELSE 1
    END::smallint AS class
FROM {stage} AS s LEFT JOIN members_product AS old ON old.pool_id = %(pool)s AND old.sku = s.sku
ORDER BY s.sku, s.line
