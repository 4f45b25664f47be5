-- Which categories members bought, in paid orders.
-- Reads members_orderline, members_order and members_product; writes nothing. Leans on the keys, member first.
SELECT
    l.member_id AS id,
    p.category AS v0
FROM members_orderline AS l
INNER JOIN members_order AS o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1
INNER JOIN members_product AS p ON p.id = l.product_id AND p.pool_id = %(pool)s AND p.category <> ''
WHERE l.pool_id = %(pool)s
GROUP BY l.member_id, p.category
