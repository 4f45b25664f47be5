-- Deliveries whose worker vanished after the intent: they may have left, so they are unknown.
-- Writes touchpoints_delivery. A re-run finds nothing. Leans on delivery_sending; the database's clock rules.
UPDATE touchpoints_delivery SET status = 80, reason = 'no_answer', unsure_since = coalesce(unsure_since, tried_at)
WHERE status = 30 AND lease_until < clock_timestamp() - %(grace)s
RETURNING member_id, step_id
