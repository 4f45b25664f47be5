-- New orders of one chunk. The chunk's watermark is committed with them, so none is inserted twice.
-- not prepared: reads a table made by each import
INSERT INTO members_order (
    member_id, id, pool_id, channel_id, number, status, placed_at, amount, discount, shipping, refunded, store, status_at, refunded_at
)
SELECT
    member_id, id, %(pool)s, channel_id, number, coalesce(status, 1), placed_at, amount,
    coalesce(discount, 0), coalesce(shipping, 0), coalesce(refunded, 0), coalesce(store, ''), status_at, refunded_at
FROM {ready}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 0
