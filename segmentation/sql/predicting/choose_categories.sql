-- The categories most members bought within six horizons before a cutoff, twenty at most.
-- Reads members_order, members_orderline and members_product; a plain SELECT, one scan.
SELECT name
FROM (
    SELECT DISTINCT
        l.member_id,
        CASE WHEN %(level)s = 'category' THEN g.category ELSE g.subcategory END AS name
    FROM members_order AS o
    INNER JOIN members_orderline AS l ON l.member_id = o.member_id AND l.order_id = o.id
    INNER JOIN members_product AS g ON g.id = l.product_id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.status IN (1, 2)
        AND o.placed_at <= %(cutoff)s
        AND o.placed_at > %(cutoff)s::timestamptz - make_interval(hours => 144 * %(horizon)s::int)
) AS b
WHERE name <> ''
GROUP BY name
ORDER BY count(*) DESC, name
LIMIT 20
