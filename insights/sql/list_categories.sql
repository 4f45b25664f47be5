-- What the pool sold in a period, by category.
-- Reads members_order, members_orderline, members_product; writes nothing.
SELECT
    p.category,
    sum(l.amount) AS amount,
    count(DISTINCT l.member_id) AS members
FROM members_order AS o
INNER JOIN members_orderline AS l ON o.member_id = l.member_id AND o.id = l.order_id
INNER JOIN members_product AS p ON l.product_id = p.id
WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
GROUP BY p.category
ORDER BY amount DESC
LIMIT 12
