-- Planned again under the same key, but the provider's window has closed before they left: unknown they stay.
-- Writes touchpoints_delivery. A re-run finds nothing. Leans on delivery_open.
UPDATE touchpoints_delivery SET status = 80, reason = 'no_answer'
WHERE step_id = %(step)s AND status = 10 AND unsure_since <= clock_timestamp() - %(window)s
