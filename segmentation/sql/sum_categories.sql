-- What the members of a scope bought of each category: in how many orders, from when to when, for how much.
-- Reads {scope}, members_orderline, members_order, members_product; a plain SELECT, kept in a table of the run.
-- Lines become one row per order and category before orders are looked at: the planner knows how many there will be.
-- Leans on the keys of lines and orders, member first.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    b.member_id,
    b.category,
    count(*) AS orders,
    min(o.placed_at) AS first_at,
    max(o.placed_at) AS last_at,
    sum(b.amount) AS amount
FROM (
    SELECT l.member_id, l.order_id, coalesce(nullif(p.category, ''), '–') AS category, sum(l.amount) AS amount
    FROM {scope} AS s
    INNER JOIN members_orderline AS l ON l.member_id = s.member_id
    INNER JOIN members_product AS p ON p.id = l.product_id
    GROUP BY l.member_id, l.order_id, 3
) AS b
INNER JOIN members_order AS o ON o.member_id = b.member_id AND o.id = b.order_id
WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at <= %(as_of)s
GROUP BY b.member_id, b.category
