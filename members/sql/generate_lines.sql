-- Invented lines: each order of members lo … hi split into one to three products of the pool.
-- Reads members_order; writes members_orderline. A re-run conflicts and does nothing.
-- Leans on the primary key of members_order.
INSERT INTO members_orderline (member_id, order_id, n, pool_id, product_id, quantity, amount, discount)
SELECT
    o.member_id,
    o.id,
    n,
    o.pool_id,
    (%(products)s::bigint[])[
        1 + floor(power(unit_hash(o.id, %(seed)s + 30 + n), 2.2) * array_length(%(products)s::bigint[], 1))::int
    ],
    1 + floor(power(unit_hash(o.id, %(seed)s + 40 + n), 3) * 3)::int,
    CASE WHEN n = 1 THEN o.amount - o.amount / p.parts * (p.parts - 1) ELSE o.amount / p.parts END,
    0
FROM members_order AS o
CROSS JOIN LATERAL (SELECT 1 + floor(unit_hash(o.id, %(seed)s + 29) * 3)::int AS parts) AS p
CROSS JOIN LATERAL generate_series(1, p.parts) AS n
WHERE o.pool_id = %(pool_id)s AND o.member_id BETWEEN %(base)s + %(lo)s AND %(base)s + %(hi)s
ON CONFLICT (member_id, order_id, n) DO NOTHING
