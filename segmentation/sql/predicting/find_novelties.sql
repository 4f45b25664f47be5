-- Products that were new in a pool at some time, and since when: first bought long enough after the pool's own first order,
-- for what was there from the beginning is not new. Reads members_order and members_orderline; a plain SELECT, one scan.
-- What a product's first purchase up to `until` was never changes later, so earlier cutoffs may read it too.
WITH begun AS (
    SELECT min(placed_at) + make_interval(days => %(fresh)s::int) AS at
    FROM members_order
    WHERE pool_id = %(pool_id)s
)

SELECT
    f.product_id,
    f.first_at
FROM (
    SELECT
        l.product_id,
        min(o.placed_at) AS first_at
    FROM members_order AS o
    INNER JOIN members_orderline AS l ON l.member_id = o.member_id AND l.order_id = o.id
    WHERE o.pool_id = %(pool_id)s AND o.status IN (1, 2) AND o.placed_at <= %(cutoff)s
    GROUP BY l.product_id
) AS f
CROSS JOIN begun AS b
WHERE f.first_at > b.at
