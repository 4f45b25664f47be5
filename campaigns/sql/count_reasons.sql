-- Why deliveries of some steps did not arrive: by status (failed, suppressed, unknown, cancelled) and code.
-- Reads touchpoints_delivery. Leans on delivery_step_status.
SELECT status, reason, count(*) AS members, max(detail) AS detail
FROM touchpoints_delivery
WHERE step_id = ANY(%(steps)s) AND status IN (80, 90, 95, 99)
GROUP BY status, reason
ORDER BY status, members DESC, reason
