-- The RFM groups of a pool with what their members spent, in all and within the window, and how often.
-- Reads members_memberstate; writes nothing.
SELECT
    rfm_group AS code,
    count(*) AS members,
    sum(amount_total)::bigint AS amount,
    sum(window_amount)::bigint AS window_amount,
    sum(window_count)::bigint AS window_count
FROM members_memberstate
WHERE pool_id = %(pool_id)s AND rfm_group IS NOT NULL
GROUP BY rfm_group
