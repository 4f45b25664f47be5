-- What the comparison of arms needs: per arm and layer the members, buyers, orders, and sums of spend
-- in the window (y) and in the same length of time before (x), with their squares and products.
-- Only paid orders, net of refunds. Reads campaigns_participant, members_order; leans on order_paid_cov.
WITH spend AS (
    SELECT
        p.member_id,
        p.arm,
        p.layer_id,
        count(o.placed_at) FILTER (WHERE o.placed_at >= p.entered_at AND o.net_amount > 0) AS orders,
        coalesce(sum(o.net_amount) FILTER (WHERE o.placed_at >= p.entered_at), 0)::double precision AS y,
        coalesce(sum(o.net_amount) FILTER (WHERE o.placed_at < p.entered_at), 0)::double precision AS x
    FROM campaigns_participant AS p
    LEFT JOIN members_order AS o
        ON
            o.pool_id = %(pool)s AND o.member_id = p.member_id AND o.status = 1
            AND o.placed_at >= p.entered_at - make_interval(hours => 24 * %(days)s)
            AND o.placed_at < least(p.entered_at + make_interval(hours => 24 * %(days)s), %(as_of)s)
    WHERE p.run_id = %(run)s
    GROUP BY p.member_id, p.arm, p.layer_id
)

SELECT
    arm,
    layer_id,
    count(*) AS members,
    count(*) FILTER (WHERE orders > 0) AS buyers,
    sum(orders)::bigint AS orders,
    sum(y) AS y,
    sum(y * y) AS yy,
    sum(x) AS x,
    sum(x * x) AS xx,
    sum(x * y) AS xy
FROM spend
GROUP BY arm, layer_id
ORDER BY arm, layer_id
