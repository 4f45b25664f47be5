-- Members per pair of recency and frequency scores, and what they spent within the window.
-- Reads members_memberstate; writes nothing.
SELECT
    r,
    f,
    count(*) AS members,
    sum(window_amount) AS amount
FROM members_memberstate
WHERE pool_id = %(pool_id)s AND r IS NOT NULL AND f IS NOT NULL
GROUP BY r, f
ORDER BY r, f
