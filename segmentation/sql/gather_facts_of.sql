-- The same facts as gather_facts, for the members of a scope only.
-- Reads members_order; a plain SELECT, kept in a temporary table.
-- Leans on order_paid_cov: one short index-only scan per member.
-- {columns}: what schemes want of the same orders.
-- sample {columns} = , count(*) AS n
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    s.member_id,
    f.*
FROM {scope} AS s
CROSS JOIN LATERAL (
    SELECT
        count(*)::int AS order_count,
        sum(o.net_amount)::bigint AS amount_total,
        min(o.placed_at) AS first_order_at,
        max(o.placed_at) AS last_order_at,
        (count(*) FILTER (WHERE o.placed_at > %(window_from)s))::int AS window_count,
        coalesce(sum(o.net_amount) FILTER (WHERE o.placed_at > %(window_from)s), 0)::bigint AS window_amount,
        min(o.placed_at) FILTER (WHERE o.placed_at > %(window_from)s) + %(window)s AS window_due{columns}
    FROM members_order AS o
    WHERE o.pool_id = %(pool_id)s AND o.member_id = s.member_id AND o.status = 1 AND o.placed_at <= %(as_of)s
) AS f
WHERE f.order_count > 0
