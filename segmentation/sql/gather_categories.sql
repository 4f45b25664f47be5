-- The pace of each buyer by their main category, the one they paid most for: its place among the given categories.
-- Reads {scope}, members_orderline, members_order, members_product; a plain SELECT, kept in a table of the run.
-- Leans on the keys of lines and orders, member first.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT DISTINCT ON (t.member_id)
    t.member_id,
    array_position(%(categories)s::text[], t.category)::bigint AS pace
FROM (
    SELECT l.member_id, coalesce(nullif(p.category, ''), '–') AS category, sum(l.amount) AS amount
    FROM {scope} AS s
    INNER JOIN members_orderline AS l ON l.member_id = s.member_id
    INNER JOIN members_order AS o ON o.member_id = l.member_id AND o.id = l.order_id
    INNER JOIN members_product AS p ON p.id = l.product_id
    WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at <= %(as_of)s
    GROUP BY l.member_id, 2
) AS t
ORDER BY t.member_id, t.amount DESC, t.category
