-- Of one chunk's new refunds those that arrived by another way meanwhile: they are not this import's to take back.
-- Changes only the run's own ready table, so a re-run is harmless.
-- not prepared: changes a table made by each import
UPDATE {ready} AS said
SET class = 1
FROM members_refund AS old
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class IN (0, 8)
    AND old.pool_id = %(pool)s AND old.order_id = said.id AND old.number = said.number
