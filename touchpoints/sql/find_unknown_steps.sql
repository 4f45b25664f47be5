-- Steps with deliveries whose outcome is unknown or in doubt; writes nothing. Leans on delivery_unknown and delivery_open.
SELECT s.id AS step_id FROM touchpoints_step AS s
WHERE EXISTS (
    SELECT FROM touchpoints_delivery AS d WHERE d.step_id = s.id AND d.status = 80 AND d.unsure_since > clock_timestamp() - %(within)s)
  OR EXISTS (SELECT FROM touchpoints_delivery AS d WHERE d.step_id = s.id AND d.status = 10 AND d.unsure_since IS NOT NULL
    AND s.due_at > clock_timestamp() - interval '7 days')
ORDER BY s.id LIMIT 100
