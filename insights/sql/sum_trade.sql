-- Paid trade of a period: orders, net amount, buyers, and buyers with at least two orders in it.
-- Reads members_order (order_paid_cov, index-only); writes nothing.
SELECT
    coalesce(sum(orders), 0) AS orders,
    coalesce(sum(amount), 0) AS gmv,
    count(*) AS buyers,
    count(*) FILTER (WHERE orders >= 2) AS repeat_buyers
FROM (
    SELECT
        member_id,
        count(*) AS orders,
        sum(net_amount) AS amount
    FROM members_order
    WHERE pool_id = %(pool_id)s AND status = 1 AND placed_at >= %(since)s AND placed_at < %(until)s
    GROUP BY member_id
) AS buyer
