-- Order lines of one chunk that read differently now.
UPDATE members_orderline AS old
SET
    product_id = said.product_id,
    quantity = coalesce(said.quantity, old.quantity),
    amount = said.amount,
    discount = coalesce(said.discount, old.discount)
FROM {ready} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2
    AND old.member_id = said.member_id AND old.order_id = said.id AND old.n = said.n
