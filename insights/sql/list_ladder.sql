-- How many members reached their first to fifth purchase.
-- Reads members_memberstate; writes nothing.
SELECT
    step.n,
    count(*) FILTER (WHERE s.order_count >= step.n) AS members
FROM members_memberstate AS s
CROSS JOIN generate_series(1, 5) AS step (n)
WHERE s.pool_id = %(pool_id)s
GROUP BY step.n
ORDER BY step.n
