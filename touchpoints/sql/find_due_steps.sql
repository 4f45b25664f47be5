-- Steps with deliveries that may leave now, whose connector is open, and which nobody is sending.
-- Reads step, connector, delivery; writes nothing. Leans on delivery_open and delivery_sending; the database's clock rules.
SELECT s.id AS step_id
FROM touchpoints_step AS s JOIN touchpoints_connector AS c ON c.id = s.connector_id
WHERE NOT s.is_paused AND NOT s.is_cancelled AND c.is_active AND coalesce(c.open_until, '-infinity') <= clock_timestamp()
  AND EXISTS (
    SELECT FROM touchpoints_delivery AS d WHERE d.step_id = s.id AND d.status IN (10, 20) AND d.next_at <= clock_timestamp()
      AND (d.status = 10 OR d.lease_until < clock_timestamp()))
  AND NOT EXISTS (
    SELECT FROM touchpoints_delivery AS d WHERE d.step_id = s.id AND d.status = 30 AND d.lease_until > clock_timestamp())
ORDER BY s.due_at, s.id LIMIT %(limit)s
