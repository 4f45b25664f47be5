-- What members saved between two instants, and what anybody would have saved on the same products in the same weeks.
-- Reads {scope}, members_order, members_orderline and {discounts} (product, week, off, gross, weight, usual); a plain SELECT.
-- A line is compared with those of others: it is taken out of its week first, and leans on what is usual where few bought.
-- Weeks count back from {newest}. Leans on the keys of orders and lines (member first), or on one scan of them.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {discounts} = (SELECT id AS product_id, 1 AS week, 1.0 AS off, 1.0 AS gross, 1.0 AS weight, 1.0 AS usual FROM members_product)
-- sample {newest} = '2026-01-01 00:00+00'
-- sample {lines} = members_orderline
-- sample {orders} = members_order
SELECT
    t.member_id,
    sum(t.gross) AS seen,
    sum(t.saved) / 1000.0 AS hits,
    sum(t.off) AS off,
    coalesce(sum(t.gross) FILTER (WHERE t.half = 0), 0) AS seen_a,
    coalesce(sum(t.saved) FILTER (WHERE t.half = 0), 0) / 1000.0 AS hits_a,
    coalesce(sum(t.off) FILTER (WHERE t.half = 0), 0) AS off_a,
    coalesce(sum(t.gross) FILTER (WHERE t.half = 1), 0) AS seen_b,
    coalesce(sum(t.saved) FILTER (WHERE t.half = 1), 0) / 1000.0 AS hits_b,
    coalesce(sum(t.off) FILTER (WHERE t.half = 1), 0) AS off_b
FROM (
    SELECT
        o.member_id,
        o.id & 1 AS half,
        l.discount AS off,
        l.amount + l.discount AS gross,
        round(
            1000 * (
                l.discount - (l.amount + l.discount)
                * (d.off - l.discount + d.weight * d.usual) / (d.gross - (l.amount + l.discount) + d.weight)
            )
        )::bigint AS saved  -- whole numbers: their sum does not depend on the order of rows
    FROM {scope} AS s
    INNER JOIN {orders} AS o ON o.member_id = s.member_id
    INNER JOIN {lines} AS l ON l.member_id = o.member_id AND l.order_id = o.id
    INNER JOIN {discounts} AS d
        ON
            d.product_id = l.product_id
            AND d.week = floor(date_part('epoch', {newest}::timestamptz - o.placed_at) / 604800)::int
    WHERE
        o.pool_id = %(pool_id)s
        AND o.placed_at > %(since)s
        AND o.placed_at <= %(until)s
        AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > %(until)s))
        AND l.amount >= 0
        AND l.amount + l.discount > 0
) AS t
GROUP BY t.member_id
