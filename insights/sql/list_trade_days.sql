-- Paid trade per local day of a period, days without orders included.
-- Reads members_order (order_paid_cov, index-only); writes nothing.
WITH trade AS (
    SELECT
        (placed_at AT TIME ZONE %(zone)s)::date AS day,
        count(*) AS orders,
        sum(net_amount) AS gmv,
        count(DISTINCT member_id) AS buyers
    FROM members_order
    WHERE pool_id = %(pool_id)s AND status = 1 AND placed_at >= %(since)s AND placed_at < %(until)s
    GROUP BY 1
)

SELECT
    calendar.day::date AS day,
    coalesce(trade.orders, 0) AS orders,
    coalesce(trade.gmv, 0) AS gmv,
    coalesce(trade.buyers, 0) AS buyers
FROM generate_series(
    (%(since)s::timestamptz AT TIME ZONE %(zone)s)::date,
    (%(until)s::timestamptz AT TIME ZONE %(zone)s)::date - 1,
    interval '1 day'
) AS calendar (day)
LEFT JOIN trade ON calendar.day::date = trade.day
ORDER BY calendar.day
