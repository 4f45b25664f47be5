-- What members did after a cutoff, within the horizon: the answer a model is to foretell. Who bought nothing has no row.
-- Reads {scope} and members_order; a plain SELECT, as known at the end of the horizon; never part of what a model scores by.
-- Leans on the key of members_order (member first), or on one scan of it for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {orders} = members_order
SELECT
    o.member_id,
    count(*) AS n,
    count(DISTINCT (o.placed_at AT TIME ZONE %(zone)s)::date) AS days,
    sum(o.amount - CASE WHEN o.refunded_at <= u.until THEN o.refunded ELSE 0 END) AS amount,
    date_part('epoch', min(o.placed_at) - %(cutoff)s::timestamptz) / 86400 AS wait
FROM {scope} AS s
CROSS JOIN (SELECT %(cutoff)s::timestamptz + make_interval(hours => 24 * %(horizon)s::int) AS until) AS u
INNER JOIN {orders} AS o ON o.member_id = s.member_id
WHERE
    o.pool_id = %(pool_id)s
    AND o.placed_at > %(cutoff)s
    AND o.placed_at <= u.until
    AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > u.until))
GROUP BY o.member_id
