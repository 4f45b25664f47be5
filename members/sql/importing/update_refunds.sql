-- Refunds of one chunk that read differently now.
UPDATE members_refund AS old
SET amount = said.amount, at = coalesce(said.at, old.at)
FROM {ready} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2
    AND old.pool_id = %(pool)s AND old.order_id = said.id AND old.number = said.number
