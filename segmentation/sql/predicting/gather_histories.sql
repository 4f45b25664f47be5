-- Members as BG/NBD sees them at a cutoff: repeat purchases x, the last of them tx days after the first, watched for t days.
-- Reads {scope} and members_order; a plain SELECT. Purchases of one day are one purchase; nothing after the cutoff is looked at.
-- Leans on the key of members_order (member first), or on one scan of it for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {orders} = members_order
WITH days AS (
    SELECT
        o.member_id,
        (o.placed_at AT TIME ZONE %(zone)s)::date AS day,
        -- a whole number again: sums of sums as numeric cost three times as much
        sum(o.amount - CASE WHEN o.refunded_at <= %(cutoff)s THEN o.refunded ELSE 0 END)::bigint AS paid
    FROM {scope} AS s
    INNER JOIN {orders} AS o ON o.member_id = s.member_id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.placed_at <= %(cutoff)s
        AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > %(cutoff)s))
    GROUP BY o.member_id, (o.placed_at AT TIME ZONE %(zone)s)::date
)

SELECT
    member_id,
    count(*) - 1 AS x,
    max(day) - min(day) AS tx,
    (%(cutoff)s::timestamptz AT TIME ZONE %(zone)s)::date - min(day) AS t,
    sum(paid) AS paid,
    count(*) FILTER (WHERE day > (%(cutoff)s::timestamptz AT TIME ZONE %(zone)s)::date - %(horizon)s::int) AS n1,
    coalesce(sum(paid) FILTER (WHERE day > (%(cutoff)s::timestamptz AT TIME ZONE %(zone)s)::date - %(horizon)s::int), 0) AS a1
FROM days
GROUP BY member_id
