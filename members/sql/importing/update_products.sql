-- Products of one chunk that read differently now.
UPDATE members_product AS old
SET
    name = coalesce(said.name, old.name),
    category = coalesce(said.category, old.category),
    subcategory = coalesce(said.subcategory, old.subcategory),
    brand = coalesce(said.brand, old.brand),
    price = coalesce(said.price, old.price)
FROM {ready} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2 AND old.id = said.id
