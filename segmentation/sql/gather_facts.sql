-- What every buyer of a pool did up to an instant: one row per member with a paid order.
-- Reads members_order; a plain SELECT, kept in a table of the run.
-- Leans on order_paid_cov: an index-only scan, member by member (no hash table, no sort).
-- {columns}: what schemes want of the same orders.
-- sample {columns} = , count(*) AS n
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    member_id,
    count(*)::int AS order_count,
    sum(net_amount)::bigint AS amount_total,
    min(placed_at) AS first_order_at,
    max(placed_at) AS last_order_at,
    (count(*) FILTER (WHERE placed_at > %(window_from)s))::int AS window_count,
    coalesce(sum(net_amount) FILTER (WHERE placed_at > %(window_from)s), 0)::bigint AS window_amount,
    min(placed_at) FILTER (WHERE placed_at > %(window_from)s) + %(window)s AS window_due{columns}
FROM members_order
WHERE pool_id = %(pool_id)s AND status = 1 AND placed_at <= %(as_of)s AND member_id BETWEEN {low} AND {high}
GROUP BY member_id
