-- Of one chunk's new products those that were made elsewhere meanwhile: they are not this import's to take back.
-- Changes only the run's own ready table, so a re-run is harmless.
-- not prepared: changes a table made by each import
UPDATE {ready} AS said
SET class = 1
FROM members_product AS old
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 0
    AND old.pool_id = %(pool)s AND old.sku = said.sku
