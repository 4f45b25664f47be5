-- What members bought in windows before a cutoff: one row for each who bought in the longest, six horizons.
-- Reads {scope} and members_order; a plain SELECT. Nothing after the cutoff is looked at: what was refunded later was paid then.
-- Leans on the key of members_order (member first), or on one scan of it for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {orders} = members_order
WITH paid AS (
    SELECT
        o.member_id,
        date_part('epoch', %(cutoff)s::timestamptz - o.placed_at) / 86400 AS age,
        o.amount - CASE WHEN o.refunded_at <= %(cutoff)s THEN o.refunded ELSE 0 END AS paid,
        o.discount
    FROM {scope} AS s
    INNER JOIN {orders} AS o ON o.member_id = s.member_id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.placed_at <= %(cutoff)s
        AND o.placed_at > %(cutoff)s::timestamptz - make_interval(hours => 144 * %(horizon)s::int)
        AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > %(cutoff)s))
)

SELECT
    member_id,
    min(age) AS recency,
    max(age) AS tenure,
    count(*) FILTER (WHERE age < 0.25 * %(horizon)s) AS n025,
    count(*) FILTER (WHERE age < 0.5 * %(horizon)s) AS n05,
    count(*) FILTER (WHERE age < %(horizon)s) AS n1,
    count(*) FILTER (WHERE age < 2 * %(horizon)s) AS n2,
    count(*) FILTER (WHERE age < 3 * %(horizon)s) AS n3,
    count(*) AS n6,
    count(DISTINCT ceil(age)) AS days6,
    coalesce(sum(paid) FILTER (WHERE age < 0.25 * %(horizon)s), 0) AS a025,
    coalesce(sum(paid) FILTER (WHERE age < 0.5 * %(horizon)s), 0) AS a05,
    coalesce(sum(paid) FILTER (WHERE age < %(horizon)s), 0) AS a1,
    coalesce(sum(paid) FILTER (WHERE age < 2 * %(horizon)s), 0) AS a2,
    coalesce(sum(paid) FILTER (WHERE age < 3 * %(horizon)s), 0) AS a3,
    sum(paid) AS a6,
    coalesce(max(paid) FILTER (WHERE age < %(horizon)s), 0) AS top1,
    coalesce(stddev_samp(paid), 0) AS swing6,
    coalesce(sum(discount) FILTER (WHERE age < %(horizon)s), 0) AS d1,
    sum(discount) AS d6
FROM paid
GROUP BY member_id
