-- Members as a whole at a cutoff: how recently, often and for how much they bought, when, what, and how they answered coupons.
-- Reads {scope}, members_order, members_orderline, members_product and {offers}; a plain SELECT, windows of six horizons.
-- Nothing after the cutoff is looked at. Leans on the keys of orders and lines (member first), or on one scan of them.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {offers} = SELECT id AS member_id, pool_id, id AS offer, joined_at AS offered_at, joined_at AS redeemed_at FROM members_member
-- sample {lines} = members_orderline
-- sample {orders} = members_order
WITH paid AS (
    SELECT
        o.member_id,
        o.id,
        date_part('epoch', %(cutoff)s::timestamptz - o.placed_at) / 86400 AS age,
        o.amount - CASE WHEN o.refunded_at <= %(cutoff)s THEN o.refunded ELSE 0 END AS paid,
        o.discount,
        extract(HOUR FROM o.placed_at AT TIME ZONE %(zone)s) AS hour,
        extract(ISODOW FROM o.placed_at AT TIME ZONE %(zone)s) AS weekday
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
        sum(l.amount)::bigint AS paid,
        count(*) AS lines
    FROM paid AS p
    INNER JOIN {lines} AS l ON l.member_id = p.member_id AND l.order_id = p.id
    LEFT JOIN goods AS g ON g.id = l.product_id
    GROUP BY p.member_id, g.n
),

wide AS (
    SELECT
        b.member_id,
        sum(b.lines) AS lines,
        count(b.n) AS breadth,
        coalesce(max(b.paid) FILTER (WHERE b.n = 1), 0) AS c_1,
        coalesce(max(b.paid) FILTER (WHERE b.n = 2), 0) AS c_2,
        coalesce(max(b.paid) FILTER (WHERE b.n = 3), 0) AS c_3,
        coalesce(max(b.paid) FILTER (WHERE b.n = 4), 0) AS c_4,
        coalesce(max(b.paid) FILTER (WHERE b.n = 5), 0) AS c_5,
        coalesce(max(b.paid) FILTER (WHERE b.n = 6), 0) AS c_6,
        coalesce(max(b.paid) FILTER (WHERE b.n = 7), 0) AS c_7,
        coalesce(max(b.paid) FILTER (WHERE b.n = 8), 0) AS c_8,
        coalesce(max(b.paid) FILTER (WHERE b.n = 9), 0) AS c_9,
        coalesce(max(b.paid) FILTER (WHERE b.n = 10), 0) AS c_10,
        coalesce(max(b.paid) FILTER (WHERE b.n = 11), 0) AS c_11,
        coalesce(max(b.paid) FILTER (WHERE b.n = 12), 0) AS c_12,
        coalesce(max(b.paid) FILTER (WHERE b.n = 13), 0) AS c_13,
        coalesce(max(b.paid) FILTER (WHERE b.n = 14), 0) AS c_14,
        coalesce(max(b.paid) FILTER (WHERE b.n = 15), 0) AS c_15,
        coalesce(max(b.paid) FILTER (WHERE b.n = 16), 0) AS c_16,
        coalesce(max(b.paid) FILTER (WHERE b.n = 17), 0) AS c_17,
        coalesce(max(b.paid) FILTER (WHERE b.n = 18), 0) AS c_18,
        coalesce(max(b.paid) FILTER (WHERE b.n = 19), 0) AS c_19,
        coalesce(max(b.paid) FILTER (WHERE b.n = 20), 0) AS c_20
    FROM bought AS b
    GROUP BY b.member_id
),

known AS (
    SELECT f.offer
    FROM ({offers}) AS f
    WHERE f.pool_id = %(pool_id)s AND f.offered_at < %(cutoff)s
    GROUP BY f.offer
    HAVING bool_or(f.redeemed_at < %(cutoff)s)
),

answers AS (
    SELECT
        f.member_id,
        count(*) AS offers,
        count(*) FILTER (WHERE f.redeemed_at < %(cutoff)s) AS redeemed,
        min(date_part('epoch', %(cutoff)s::timestamptz - f.redeemed_at) / 86400)
            FILTER (WHERE f.redeemed_at < %(cutoff)s) AS redeemed_ago
    FROM ({offers}) AS f
    INNER JOIN known AS k ON k.offer = f.offer
    INNER JOIN {scope} AS s ON s.member_id = f.member_id
    WHERE
        f.pool_id = %(pool_id)s
        AND f.offered_at < %(cutoff)s
        AND f.offered_at > %(cutoff)s::timestamptz - interval '366 days'
    GROUP BY f.member_id
),

whole AS (
    SELECT
        member_id,
        min(age) AS recency,
        max(age) AS tenure,
        count(*) FILTER (WHERE age < %(horizon)s) AS n1,
        count(*) FILTER (WHERE age < 3 * %(horizon)s) AS n3,
        count(*) AS n6,
        coalesce(sum(paid) FILTER (WHERE age < %(horizon)s), 0) AS a1,
        coalesce(sum(paid) FILTER (WHERE age < 3 * %(horizon)s), 0) AS a3,
        sum(paid) AS a6,
        coalesce(sum(discount) FILTER (WHERE age < %(horizon)s), 0) AS d1,
        sum(discount) AS d6,
        coalesce(stddev_samp(paid), 0) AS swing6,
        avg((weekday > 5)::int) AS weekend,
        avg((hour >= 18)::int) AS evening
    FROM paid
    GROUP BY member_id
)

SELECT
    w.*,
    coalesce(v.lines, 0) AS lines,
    coalesce(v.breadth, 0) AS breadth,
    coalesce(v.c_1, 0) AS c_1,
    coalesce(v.c_2, 0) AS c_2,
    coalesce(v.c_3, 0) AS c_3,
    coalesce(v.c_4, 0) AS c_4,
    coalesce(v.c_5, 0) AS c_5,
    coalesce(v.c_6, 0) AS c_6,
    coalesce(v.c_7, 0) AS c_7,
    coalesce(v.c_8, 0) AS c_8,
    coalesce(v.c_9, 0) AS c_9,
    coalesce(v.c_10, 0) AS c_10,
    coalesce(v.c_11, 0) AS c_11,
    coalesce(v.c_12, 0) AS c_12,
    coalesce(v.c_13, 0) AS c_13,
    coalesce(v.c_14, 0) AS c_14,
    coalesce(v.c_15, 0) AS c_15,
    coalesce(v.c_16, 0) AS c_16,
    coalesce(v.c_17, 0) AS c_17,
    coalesce(v.c_18, 0) AS c_18,
    coalesce(v.c_19, 0) AS c_19,
    coalesce(v.c_20, 0) AS c_20,
    coalesce(a.offers, 0) AS offers,
    coalesce(a.redeemed, 0) AS redeemed,
    coalesce(a.redeemed_ago, 9999) AS redeemed_ago
FROM whole AS w
LEFT JOIN wide AS v ON v.member_id = w.member_id
LEFT JOIN answers AS a ON a.member_id = w.member_id
