-- New order lines of one chunk. The chunk's watermark is committed with them, so none is inserted twice.
-- not prepared: reads tables made by each import
INSERT INTO members_orderline (member_id, order_id, n, pool_id, product_id, quantity, amount, discount)
SELECT member_id, id, n, %(pool)s, product_id, coalesce(quantity, 1), amount, coalesce(discount, 0)
FROM {ready}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 0
