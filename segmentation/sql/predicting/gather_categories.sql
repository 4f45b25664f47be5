-- In how many orders members bought each of twenty categories, in windows before a cutoff: a row for each who bought anything.
-- Reads {scope}, members_order, members_orderline and members_product; a plain SELECT. Nothing after the cutoff is looked at.
-- Leans on the keys of orders and lines (member first), or on one scan of them for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {lines} = members_orderline
-- sample {orders} = members_order
WITH paid AS (
    SELECT
        o.member_id,
        o.id,
        date_part('epoch', %(cutoff)s::timestamptz - o.placed_at) / 86400 AS age,
        o.amount - CASE WHEN o.refunded_at <= %(cutoff)s THEN o.refunded ELSE 0 END AS paid
    FROM {scope} AS s
    INNER JOIN {orders} AS o ON o.member_id = s.member_id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.placed_at <= %(cutoff)s
        AND o.placed_at > %(cutoff)s::timestamptz - make_interval(hours => 144 * %(horizon)s::int)
        AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > %(cutoff)s))
),

goods AS MATERIALIZED (
    SELECT
        g.id,
        i.n
    FROM unnest(%(items)s::text[]) WITH ORDINALITY AS i (name, n)
    INNER JOIN members_product AS g
        ON g.pool_id = %(pool_id)s AND CASE WHEN %(level)s = 'category' THEN g.category ELSE g.subcategory END = i.name
),

bought AS (
    SELECT
        p.member_id,
        g.n,
        count(DISTINCT p.id) FILTER (WHERE p.age < %(horizon)s) AS n1,
        count(DISTINCT p.id) FILTER (WHERE p.age < 3 * %(horizon)s) AS n3,
        count(DISTINCT p.id) AS n6,
        min(p.age) AS last
    FROM paid AS p
    INNER JOIN {lines} AS l ON l.member_id = p.member_id AND l.order_id = p.id
    INNER JOIN goods AS g ON g.id = l.product_id
    GROUP BY p.member_id, g.n
),

whole AS (
    SELECT
        member_id,
        min(age) AS recency,
        max(age) AS tenure,
        count(*) FILTER (WHERE age < %(horizon)s) AS n1,
        count(*) AS n6,
        sum(paid) AS a6
    FROM paid
    GROUP BY member_id
)

SELECT
    w.member_id,
    w.recency,
    w.tenure,
    w.n1,
    w.n6,
    w.a6,
    coalesce(max(b.n1) FILTER (WHERE b.n = 1), 0) AS n1_1,
    coalesce(max(b.n1) FILTER (WHERE b.n = 2), 0) AS n1_2,
    coalesce(max(b.n1) FILTER (WHERE b.n = 3), 0) AS n1_3,
    coalesce(max(b.n1) FILTER (WHERE b.n = 4), 0) AS n1_4,
    coalesce(max(b.n1) FILTER (WHERE b.n = 5), 0) AS n1_5,
    coalesce(max(b.n1) FILTER (WHERE b.n = 6), 0) AS n1_6,
    coalesce(max(b.n1) FILTER (WHERE b.n = 7), 0) AS n1_7,
    coalesce(max(b.n1) FILTER (WHERE b.n = 8), 0) AS n1_8,
    coalesce(max(b.n1) FILTER (WHERE b.n = 9), 0) AS n1_9,
    coalesce(max(b.n1) FILTER (WHERE b.n = 10), 0) AS n1_10,
    coalesce(max(b.n1) FILTER (WHERE b.n = 11), 0) AS n1_11,
    coalesce(max(b.n1) FILTER (WHERE b.n = 12), 0) AS n1_12,
    coalesce(max(b.n1) FILTER (WHERE b.n = 13), 0) AS n1_13,
    coalesce(max(b.n1) FILTER (WHERE b.n = 14), 0) AS n1_14,
    coalesce(max(b.n1) FILTER (WHERE b.n = 15), 0) AS n1_15,
    coalesce(max(b.n1) FILTER (WHERE b.n = 16), 0) AS n1_16,
    coalesce(max(b.n1) FILTER (WHERE b.n = 17), 0) AS n1_17,
    coalesce(max(b.n1) FILTER (WHERE b.n = 18), 0) AS n1_18,
    coalesce(max(b.n1) FILTER (WHERE b.n = 19), 0) AS n1_19,
    coalesce(max(b.n1) FILTER (WHERE b.n = 20), 0) AS n1_20,
    coalesce(max(b.n3) FILTER (WHERE b.n = 1), 0) AS n3_1,
    coalesce(max(b.n3) FILTER (WHERE b.n = 2), 0) AS n3_2,
    coalesce(max(b.n3) FILTER (WHERE b.n = 3), 0) AS n3_3,
    coalesce(max(b.n3) FILTER (WHERE b.n = 4), 0) AS n3_4,
    coalesce(max(b.n3) FILTER (WHERE b.n = 5), 0) AS n3_5,
    coalesce(max(b.n3) FILTER (WHERE b.n = 6), 0) AS n3_6,
    coalesce(max(b.n3) FILTER (WHERE b.n = 7), 0) AS n3_7,
    coalesce(max(b.n3) FILTER (WHERE b.n = 8), 0) AS n3_8,
    coalesce(max(b.n3) FILTER (WHERE b.n = 9), 0) AS n3_9,
    coalesce(max(b.n3) FILTER (WHERE b.n = 10), 0) AS n3_10,
    coalesce(max(b.n3) FILTER (WHERE b.n = 11), 0) AS n3_11,
    coalesce(max(b.n3) FILTER (WHERE b.n = 12), 0) AS n3_12,
    coalesce(max(b.n3) FILTER (WHERE b.n = 13), 0) AS n3_13,
    coalesce(max(b.n3) FILTER (WHERE b.n = 14), 0) AS n3_14,
    coalesce(max(b.n3) FILTER (WHERE b.n = 15), 0) AS n3_15,
    coalesce(max(b.n3) FILTER (WHERE b.n = 16), 0) AS n3_16,
    coalesce(max(b.n3) FILTER (WHERE b.n = 17), 0) AS n3_17,
    coalesce(max(b.n3) FILTER (WHERE b.n = 18), 0) AS n3_18,
    coalesce(max(b.n3) FILTER (WHERE b.n = 19), 0) AS n3_19,
    coalesce(max(b.n3) FILTER (WHERE b.n = 20), 0) AS n3_20,
    coalesce(max(b.n6) FILTER (WHERE b.n = 1), 0) AS n6_1,
    coalesce(max(b.n6) FILTER (WHERE b.n = 2), 0) AS n6_2,
    coalesce(max(b.n6) FILTER (WHERE b.n = 3), 0) AS n6_3,
    coalesce(max(b.n6) FILTER (WHERE b.n = 4), 0) AS n6_4,
    coalesce(max(b.n6) FILTER (WHERE b.n = 5), 0) AS n6_5,
    coalesce(max(b.n6) FILTER (WHERE b.n = 6), 0) AS n6_6,
    coalesce(max(b.n6) FILTER (WHERE b.n = 7), 0) AS n6_7,
    coalesce(max(b.n6) FILTER (WHERE b.n = 8), 0) AS n6_8,
    coalesce(max(b.n6) FILTER (WHERE b.n = 9), 0) AS n6_9,
    coalesce(max(b.n6) FILTER (WHERE b.n = 10), 0) AS n6_10,
    coalesce(max(b.n6) FILTER (WHERE b.n = 11), 0) AS n6_11,
    coalesce(max(b.n6) FILTER (WHERE b.n = 12), 0) AS n6_12,
    coalesce(max(b.n6) FILTER (WHERE b.n = 13), 0) AS n6_13,
    coalesce(max(b.n6) FILTER (WHERE b.n = 14), 0) AS n6_14,
    coalesce(max(b.n6) FILTER (WHERE b.n = 15), 0) AS n6_15,
    coalesce(max(b.n6) FILTER (WHERE b.n = 16), 0) AS n6_16,
    coalesce(max(b.n6) FILTER (WHERE b.n = 17), 0) AS n6_17,
    coalesce(max(b.n6) FILTER (WHERE b.n = 18), 0) AS n6_18,
    coalesce(max(b.n6) FILTER (WHERE b.n = 19), 0) AS n6_19,
    coalesce(max(b.n6) FILTER (WHERE b.n = 20), 0) AS n6_20,
    coalesce(min(b.last) FILTER (WHERE b.n = 1), 999) AS last_1,
    coalesce(min(b.last) FILTER (WHERE b.n = 2), 999) AS last_2,
    coalesce(min(b.last) FILTER (WHERE b.n = 3), 999) AS last_3,
    coalesce(min(b.last) FILTER (WHERE b.n = 4), 999) AS last_4,
    coalesce(min(b.last) FILTER (WHERE b.n = 5), 999) AS last_5,
    coalesce(min(b.last) FILTER (WHERE b.n = 6), 999) AS last_6,
    coalesce(min(b.last) FILTER (WHERE b.n = 7), 999) AS last_7,
    coalesce(min(b.last) FILTER (WHERE b.n = 8), 999) AS last_8,
    coalesce(min(b.last) FILTER (WHERE b.n = 9), 999) AS last_9,
    coalesce(min(b.last) FILTER (WHERE b.n = 10), 999) AS last_10,
    coalesce(min(b.last) FILTER (WHERE b.n = 11), 999) AS last_11,
    coalesce(min(b.last) FILTER (WHERE b.n = 12), 999) AS last_12,
    coalesce(min(b.last) FILTER (WHERE b.n = 13), 999) AS last_13,
    coalesce(min(b.last) FILTER (WHERE b.n = 14), 999) AS last_14,
    coalesce(min(b.last) FILTER (WHERE b.n = 15), 999) AS last_15,
    coalesce(min(b.last) FILTER (WHERE b.n = 16), 999) AS last_16,
    coalesce(min(b.last) FILTER (WHERE b.n = 17), 999) AS last_17,
    coalesce(min(b.last) FILTER (WHERE b.n = 18), 999) AS last_18,
    coalesce(min(b.last) FILTER (WHERE b.n = 19), 999) AS last_19,
    coalesce(min(b.last) FILTER (WHERE b.n = 20), 999) AS last_20
FROM whole AS w
LEFT JOIN bought AS b ON b.member_id = w.member_id
GROUP BY w.member_id, w.recency, w.tenure, w.n1, w.n6, w.a6
