-- The same as find_future_orders, for the members of a scope only.
-- Reads members_order; a plain SELECT, kept in a temporary table.
-- Leans on order_paid_cov: one look at the end of each member's orders.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT s.member_id, f.placed_at
FROM {scope} AS s
CROSS JOIN LATERAL (
    SELECT o.placed_at
    FROM members_order AS o
    WHERE o.pool_id = %(pool_id)s AND o.member_id = s.member_id AND o.status = 1 AND o.placed_at > %(as_of)s
    ORDER BY o.placed_at
    LIMIT 1
) AS f
