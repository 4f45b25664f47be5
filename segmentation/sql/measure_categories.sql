-- The repurchase rhythm of each category: quantiles of the mean interval between its buyers' orders with it.
-- Reads members_orderline, members_order, members_product; writes nothing. A full run with stages by category asks it.
SELECT
    t.category,
    count(*) AS repeat_buyers,
    percentile_disc(%(interval_quantiles)s::float8[]) WITHIN GROUP (
        ORDER BY date_part('epoch', t.last_at - t.first_at) / (t.orders - 1)
    ) AS interval_seconds
FROM (
    SELECT
        l.member_id,
        coalesce(nullif(p.category, ''), '–') AS category,
        count(DISTINCT o.id) AS orders,
        min(o.placed_at) AS first_at,
        max(o.placed_at) AS last_at
    FROM members_orderline AS l
    INNER JOIN members_order AS o ON o.member_id = l.member_id AND o.id = l.order_id
    INNER JOIN members_product AS p ON p.id = l.product_id
    WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at <= %(as_of)s
    GROUP BY l.member_id, 2
) AS t
WHERE t.orders > 1
GROUP BY t.category
HAVING count(*) >= %(enough)s
ORDER BY repeat_buyers DESC, t.category
LIMIT 200
