-- The categories most members bought within six horizons before a cutoff, twenty at most.
-- Reads members_order, members_orderline and members_product; a plain SELECT, one scan.
WITH bought AS (
    SELECT DISTINCT
        l.member_id,
        l.product_id
    FROM members_order AS o
    INNER JOIN members_orderline AS l ON l.member_id = o.member_id AND l.order_id = o.id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.status IN (1, 2)
        AND o.placed_at <= %(cutoff)s
        AND o.placed_at > %(cutoff)s::timestamptz - make_interval(hours => 144 * %(horizon)s::int)
),

named AS (
    SELECT
        b.member_id,
        CASE WHEN %(level)s = 'category' THEN g.category ELSE g.subcategory END AS name
    FROM bought AS b
    INNER JOIN members_product AS g ON g.id = b.product_id
)

SELECT name
FROM named
WHERE name <> ''
GROUP BY name
ORDER BY count(DISTINCT member_id) DESC, name
LIMIT 20
