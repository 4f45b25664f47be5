-- What members did after a cutoff, within the horizon: the answer a model is to foretell. Who bought nothing has no row.
-- Reads {scope} and members_order; a plain SELECT, never part of what a model scores by.
-- Leans on the key of members_order (member first), or on one scan of it for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    o.member_id,
    count(*) AS n,
    count(DISTINCT (o.placed_at AT TIME ZONE %(zone)s)::date) AS days,
    sum(o.net_amount) AS amount,
    date_part('epoch', min(o.placed_at) - %(cutoff)s::timestamptz) / 86400 AS wait
FROM {scope} AS s
INNER JOIN members_order AS o ON o.member_id = s.member_id
WHERE
    o.pool_id = %(pool_id)s
    AND o.status = 1
    AND o.placed_at > %(cutoff)s
    AND o.placed_at <= %(cutoff)s::timestamptz + make_interval(hours => 24 * %(horizon)s::int)
GROUP BY o.member_id
