-- Messages that left, per %(width)s seconds since the first.
-- Reads touchpoints_delivery. Leans on delivery_step_status.
SELECT date_bin(make_interval(secs => %(width)s), sent_at, %(origin)s) AS at, count(*) AS sent
FROM touchpoints_delivery
WHERE step_id = ANY(%(steps)s) AND sent_at IS NOT NULL
GROUP BY 1
ORDER BY 1
