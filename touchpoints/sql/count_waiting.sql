-- What of a pool waits, is under way or has an unknown outcome; reads steps that are not over.
-- Writes nothing. Leans on delivery_step_status.
SELECT count(*) FILTER (WHERE d.status = 10) AS planned, count(*) FILTER (WHERE d.status IN (20, 30)) AS under_way,
  count(*) FILTER (WHERE d.status = 80) AS unknown, min(d.next_at) FILTER (WHERE d.status = 10) AS next_at
FROM touchpoints_step AS s JOIN touchpoints_delivery AS d ON d.step_id = s.id AND d.status IN (10, 20, 30, 80)
WHERE s.pool_id = %(pool)s
