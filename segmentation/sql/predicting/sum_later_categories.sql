-- How many lines of each of twenty categories members bought after a cutoff, within the horizon: the answer to foretell.
-- Reads {scope}, members_order, members_orderline and members_product; a plain SELECT, never part of what a model scores by.
-- Leans on the keys of orders and lines (member first), or on one scan of them for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {lines} = members_orderline
-- sample {orders} = members_order
WITH goods AS MATERIALIZED (
    SELECT
        g.id,
        i.n
    FROM unnest(%(items)s::text[]) WITH ORDINALITY AS i (name, n)
    INNER JOIN members_product AS g
        ON g.pool_id = %(pool_id)s AND CASE WHEN %(level)s = 'category' THEN g.category ELSE g.subcategory END = i.name
)

SELECT
    o.member_id,
    count(*) FILTER (WHERE g.n = 1) AS b_1,
    count(*) FILTER (WHERE g.n = 2) AS b_2,
    count(*) FILTER (WHERE g.n = 3) AS b_3,
    count(*) FILTER (WHERE g.n = 4) AS b_4,
    count(*) FILTER (WHERE g.n = 5) AS b_5,
    count(*) FILTER (WHERE g.n = 6) AS b_6,
    count(*) FILTER (WHERE g.n = 7) AS b_7,
    count(*) FILTER (WHERE g.n = 8) AS b_8,
    count(*) FILTER (WHERE g.n = 9) AS b_9,
    count(*) FILTER (WHERE g.n = 10) AS b_10,
    count(*) FILTER (WHERE g.n = 11) AS b_11,
    count(*) FILTER (WHERE g.n = 12) AS b_12,
    count(*) FILTER (WHERE g.n = 13) AS b_13,
    count(*) FILTER (WHERE g.n = 14) AS b_14,
    count(*) FILTER (WHERE g.n = 15) AS b_15,
    count(*) FILTER (WHERE g.n = 16) AS b_16,
    count(*) FILTER (WHERE g.n = 17) AS b_17,
    count(*) FILTER (WHERE g.n = 18) AS b_18,
    count(*) FILTER (WHERE g.n = 19) AS b_19,
    count(*) FILTER (WHERE g.n = 20) AS b_20
FROM {scope} AS s
CROSS JOIN (SELECT %(cutoff)s::timestamptz + make_interval(hours => 24 * %(horizon)s::int) AS until) AS u
INNER JOIN {orders} AS o ON o.member_id = s.member_id
INNER JOIN {lines} AS l ON l.member_id = o.member_id AND l.order_id = o.id
INNER JOIN goods AS g ON g.id = l.product_id
WHERE
    o.pool_id = %(pool_id)s
    AND o.placed_at > %(cutoff)s
    AND o.placed_at <= u.until
    AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > u.until))
GROUP BY o.member_id
