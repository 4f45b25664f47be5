-- Products that order lines name and the catalogue lacks: a stub with the name the file gives, to be filled in later.
-- They are noted in the run's list of changes. A re-run finds them in the catalogue.
-- not prepared: reads a staging table made by each import
WITH made AS (
    INSERT INTO members_product (pool_id, sku, name, category, subcategory, brand)
    SELECT %(pool)s, s.sku, coalesce(max(s.product), ''), '', '', ''
    FROM {stage} AS s
    WHERE NOT EXISTS (SELECT FROM members_product AS known WHERE known.pool_id = %(pool)s AND known.sku = s.sku)
    GROUP BY s.sku
    ON CONFLICT DO NOTHING
    RETURNING id, sku, name
)
INSERT INTO {changed} (part, id, after) SELECT 'stubs', id, jsonb_build_object('sku', sku, 'name', name) FROM made
