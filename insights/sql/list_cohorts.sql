-- Of the members who first bought in a month, how many bought again in each later month.
-- Reads members_memberstate and members_order (order_paid_cov, index-only); writes nothing.
WITH first_month AS (
    SELECT
        member_id,
        date_trunc('month', first_order_at AT TIME ZONE %(zone)s)::date AS cohort
    FROM members_memberstate
    WHERE pool_id = %(pool_id)s AND first_order_at >= %(since)s AND first_order_at < %(until)s
),

active_month AS (
    SELECT DISTINCT
        o.member_id,
        f.cohort,
        date_trunc('month', o.placed_at AT TIME ZONE %(zone)s)::date AS month
    FROM first_month AS f
    INNER JOIN members_order AS o ON f.member_id = o.member_id
    WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
)

SELECT
    cohort,
    (extract(YEAR FROM month) - extract(YEAR FROM cohort)) * 12 + extract(MONTH FROM month) - extract(MONTH FROM cohort) AS later,
    count(*) AS members
FROM active_month
GROUP BY cohort, month
ORDER BY cohort, later
