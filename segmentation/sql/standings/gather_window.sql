-- What every buyer spent in a window that is not the one of the facts, and when its oldest order leaves it.
-- Reads members_order; a plain SELECT, kept in a table of the run.
-- Leans on order_paid_cov: an index-only scan, member by member.
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    member_id,
    sum(net_amount)::bigint AS value,
    count(*)::int AS orders,
    min(placed_at) + %(window)s AS due
FROM members_order
WHERE
    pool_id = %(pool_id)s AND status = 1 AND placed_at > %(window_from)s AND placed_at <= %(as_of)s
    AND member_id BETWEEN {low} AND {high}
GROUP BY member_id
