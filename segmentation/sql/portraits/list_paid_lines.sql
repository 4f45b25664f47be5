-- Paid order lines of members low … high: the product in the upper and the pieces in the lower half of one number, the amount,
-- when the order was placed. A part of a pool at a time, so that what is sent stays small; both tables are told the part.
-- Reads members_orderline and members_order, once; writes nothing. Leans on the keys, member first.
SELECT
    l.member_id AS id,
    (l.product_id << 32) + l.quantity AS v0,
    l.amount AS v1,
    o.placed_at AS at
FROM members_orderline AS l
INNER JOIN members_order AS o ON o.member_id = l.member_id AND o.id = l.order_id
WHERE
    l.pool_id = %(pool)s
    AND l.member_id BETWEEN %(low)s AND %(high)s
    AND o.member_id BETWEEN %(low)s AND %(high)s
    AND o.status = 1
