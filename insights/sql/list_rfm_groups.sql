-- The eight RFM groups now: members, what they spent in all, and within the window.
-- Reads members_memberstate; writes nothing.
SELECT
    rfm_group,
    count(*) AS members,
    sum(amount_total) AS amount,
    sum(window_amount) AS window_amount,
    sum(order_count) AS orders
FROM members_memberstate
WHERE pool_id = %(pool_id)s AND rfm_group IS NOT NULL
GROUP BY rfm_group
ORDER BY members DESC
