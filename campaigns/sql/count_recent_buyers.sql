-- How many of some members ordered in the days before an instant: the rate a campaign starts from.
-- Reads members_order. Leans on order_paid_cov.
SELECT count(DISTINCT o.member_id)
FROM members_order AS o
WHERE
    o.pool_id = %(pool)s AND o.status = 1 AND o.net_amount > 0 AND o.member_id = ANY(%(ids)s::bigint [])
    AND o.placed_at >= %(as_of)s - make_interval(hours => 24 * %(days)s) AND o.placed_at < %(as_of)s
