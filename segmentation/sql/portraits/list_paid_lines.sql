-- Paid order lines of members low … high: twice the place of the product among those given, one more while it was new;
-- pieces; amount. A part of a pool at a time, so that what is sent stays small.
-- Reads members_orderline and members_order, once; writes nothing. Leans on the keys, member first.
SELECT
    l.member_id AS id,
    k.place * 2 + coalesce(o.placed_at < k.new_until, false)::int AS v0,
    l.quantity AS v1,
    l.amount AS v2
FROM members_orderline AS l
INNER JOIN members_order AS o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1
LEFT JOIN
    unnest(%(products)s::bigint[], %(new_until)s::timestamptz[]) WITH ORDINALITY AS k (product_id, new_until, place)
    ON k.product_id = l.product_id
WHERE l.pool_id = %(pool)s AND l.member_id BETWEEN %(low)s AND %(high)s
