-- Products that were ever paid for: until when they counted as new, what everybody pays a piece of the same subcategory.
-- New is what the pool first sold at most sixty days before, and not in its own first sixty days.
-- Reads members_orderline, members_order and members_product; writes nothing. Leans on the keys, member first.
SELECT
    sold.product_id,
    p.category,
    p.subcategory,
    p.brand,
    (
        CASE WHEN p.subcategory <> '' THEN sum(sold.amount) OVER kind / nullif(sum(sold.quantity) OVER kind, 0)::numeric END
    )::float8 AS usual,
    CASE
        WHEN sold.began > min(sold.began) OVER () + interval '60 days' THEN sold.began + interval '60 days'
    END AS new_until
FROM (
    SELECT
        l.product_id,
        min(o.placed_at) FILTER (WHERE o.status = 1) AS began,
        sum(l.amount) FILTER (WHERE o.status = 1 AND l.quantity > 0) AS amount,
        sum(l.quantity) FILTER (WHERE o.status = 1 AND l.quantity > 0) AS quantity
    FROM members_orderline AS l
    -- Outer, though only paid ones count: the planner believes that an inner join on two columns finds nothing.
    LEFT JOIN members_order AS o ON o.member_id = l.member_id AND o.id = l.order_id
    WHERE l.pool_id = %(pool)s AND l.product_id IS NOT NULL
    GROUP BY l.product_id
) AS sold
LEFT JOIN members_product AS p ON p.id = sold.product_id AND p.pool_id = %(pool)s
WHERE sold.began IS NOT NULL
WINDOW kind AS (PARTITION BY p.subcategory)
ORDER BY sold.product_id
