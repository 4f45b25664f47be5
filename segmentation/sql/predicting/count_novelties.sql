-- Lines members bought between two instants, and how many of them were of products new by then. In two halves by chance.
-- Reads {scope}, members_order, members_orderline and {novelties} (product_id, first_at); a plain SELECT. Nothing after `until`
-- is looked at. Leans on the keys of orders and lines (member first), or on one scan of them for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {novelties} = (SELECT id AS product_id, now() AS first_at FROM members_product)
-- sample {lines} = members_orderline
-- sample {orders} = members_order
WITH told AS (
    SELECT
        o.member_id,
        o.id & 1 AS half,
        o.placed_at > %(until)s::timestamptz - make_interval(hours => 24 * %(horizon)s::int) AS lately,
        f.product_id IS NOT NULL AS hit
    FROM {scope} AS s
    INNER JOIN {orders} AS o ON o.member_id = s.member_id
    INNER JOIN {lines} AS l ON l.member_id = o.member_id AND l.order_id = o.id
    LEFT JOIN {novelties} AS f
        ON f.product_id = l.product_id AND o.placed_at < f.first_at + make_interval(days => %(fresh)s::int)
    WHERE
        o.pool_id = %(pool_id)s
        AND o.placed_at > %(since)s
        AND o.placed_at <= %(until)s
        AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > %(until)s))
)

SELECT
    member_id,
    count(*) AS seen,
    count(*) FILTER (WHERE hit) AS hits,
    count(*) FILTER (WHERE lately) AS seen_last,
    count(*) FILTER (WHERE lately AND hit) AS hits_last,
    count(*) FILTER (WHERE half = 0) AS seen_a,
    count(*) FILTER (WHERE half = 0 AND hit) AS hits_a,
    count(*) FILTER (WHERE half = 1) AS seen_b,
    count(*) FILTER (WHERE half = 1 AND hit) AS hits_b
FROM told
GROUP BY member_id
