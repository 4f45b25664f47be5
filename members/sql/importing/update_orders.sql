-- Orders of one chunk that read differently now: a refund, a cancellation, a correction.
UPDATE members_order AS old
SET
    status = coalesce(said.status, old.status),
    placed_at = said.placed_at,
    amount = said.amount,
    discount = coalesce(said.discount, old.discount),
    shipping = coalesce(said.shipping, old.shipping),
    refunded = coalesce(said.refunded, old.refunded),
    store = coalesce(said.store, old.store)
FROM {ready} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2
    AND old.member_id = said.member_id AND old.id = said.id
