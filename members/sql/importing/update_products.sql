-- Products of one chunk that read differently now. What they were and became goes to the run's list of changes.
-- not prepared: reads a table made by each import
WITH was AS (
    SELECT
        old.*, said.name AS said_name, said.category AS said_category, said.subcategory AS said_subcategory, said.brand AS said_brand,
        said.price AS said_price
    FROM {ready} AS said JOIN members_product AS old ON old.id = said.id
    WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2
    FOR UPDATE OF old
),
done AS (
    UPDATE members_product AS o
    SET
        name = coalesce(was.said_name, was.name),
        category = coalesce(was.said_category, was.category),
        subcategory = coalesce(was.said_subcategory, was.subcategory),
        brand = coalesce(was.said_brand, was.brand),
        price = coalesce(was.said_price, was.price)
    FROM was
    WHERE o.id = was.id
    RETURNING
        o.id,
        jsonb_build_object(
            'name', was.name, 'category', was.category, 'subcategory', was.subcategory, 'brand', was.brand, 'price', was.price
        ) AS before,
        jsonb_build_object('name', o.name, 'category', o.category, 'subcategory', o.subcategory, 'brand', o.brand, 'price', o.price) AS after
)
INSERT INTO {changed} (part, id, before, after)
SELECT
    'products', id,
    (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) AS b WHERE b.value IS DISTINCT FROM after -> b.key),
    (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) AS a WHERE a.value IS DISTINCT FROM before -> a.key)
FROM done
