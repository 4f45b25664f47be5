-- The same as gather_window, for the members of a scope only.
-- Reads members_order; a plain SELECT, kept in a temporary table.
-- Leans on order_paid_cov: one short index-only scan per member.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT s.member_id, f.value, f.orders, f.due
FROM {scope} AS s
CROSS JOIN LATERAL (
    SELECT
        sum(o.net_amount)::bigint AS value,
        count(*)::int AS orders,
        min(o.placed_at) + %(window)s AS due
    FROM members_order AS o
    WHERE
        o.pool_id = %(pool_id)s AND o.member_id = s.member_id AND o.status = 1
        AND o.placed_at > %(window_from)s AND o.placed_at <= %(as_of)s
) AS f
WHERE f.orders > 0
