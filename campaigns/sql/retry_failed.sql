-- Failed messages of one cause go back into the queue, with fresh attempts.
-- Reads and writes touchpoints_delivery; only rows whose outcome was never in doubt. A re-run finds none.
-- Leans on delivery_step_status.
UPDATE touchpoints_delivery
SET status = 10, reason = '', detail = '', attempt = 0, failed_at = NULL, next_at = %(as_of)s, lease_token = NULL, lease_until = NULL
WHERE step_id = ANY(%(steps)s) AND status = 90 AND reason = %(reason)s AND sent_at IS NULL AND unsure_since IS NULL
