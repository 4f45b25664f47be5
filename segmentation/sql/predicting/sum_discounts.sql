-- What was taken off each product in each week before a cutoff, of what it would have cost, over all members; beside it the share
-- usual for the product up to that week (nothing later), drawn towards everything's where little of it was sold.
-- Reads members_order and members_orderline; a plain SELECT, one scan. Weeks count back from the cutoff, so that windows of whole
-- weeks before it hold whole weeks of this; refunds change nothing of what was on offer.
WITH weekly AS (
    SELECT
        l.product_id,
        floor(date_part('epoch', %(cutoff)s::timestamptz - o.placed_at) / 604800)::int AS week,
        sum(l.discount)::float8 AS off,
        sum(l.amount + l.discount)::float8 AS gross,
        count(*) AS lines
    FROM members_order AS o
    INNER JOIN members_orderline AS l ON l.member_id = o.member_id AND l.order_id = o.id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.status IN (1, 2)
        AND o.placed_at <= %(cutoff)s
        AND o.placed_at > %(since)s
        AND l.amount >= 0
        AND l.amount + l.discount > 0
    GROUP BY 1, 2
),

told AS (
    SELECT
        w.*,
        sum(w.off) OVER mine AS off_before,
        sum(w.gross) OVER mine AS gross_before,
        sum(w.off) OVER pool AS off_pool,
        sum(w.gross) OVER pool AS gross_pool,
        sum(w.lines) OVER pool AS lines_pool
    FROM weekly AS w
    WINDOW mine AS (PARTITION BY w.product_id ORDER BY w.week DESC), pool AS (ORDER BY w.week DESC)
),

weighed AS (
    SELECT
        t.*,
        5 * t.gross_pool / t.lines_pool AS weight
    FROM told AS t
)

SELECT
    product_id,
    week,
    off,
    gross,
    weight,
    (off_before + weight * off_pool / gross_pool) / (gross_before + weight) AS usual
FROM weighed
