-- The members behind one cell of the cohort table.
-- Reads members_memberstate and members_order (order_paid_cov); writes nothing.
SELECT s.member_id AS id
FROM members_memberstate AS s
WHERE
    s.pool_id = %(pool_id)s
    AND s.first_order_at >= %(cohort)s
    AND s.first_order_at < %(cohort_end)s
    AND EXISTS (
        SELECT 1
        FROM members_order AS o
        WHERE
            o.pool_id = %(pool_id)s
            AND o.member_id = s.member_id
            AND o.status = 1
            AND o.placed_at >= %(month)s
            AND o.placed_at < %(month_end)s
    )
