-- Why messages of a pool were suppressed or failed: the codes that occurred.
-- Reads touchpoints_delivery through its steps; writes nothing. Leans on delivery_step_status.
SELECT DISTINCT d.reason AS value
FROM touchpoints_step AS s
INNER JOIN touchpoints_delivery AS d ON s.id = d.step_id AND d.status IN (90, 95)
WHERE s.pool_id = %(pool)s AND d.reason <> '' AND position(lower(%(q)s) IN lower(d.reason)) > 0
ORDER BY value
LIMIT %(limit)s
