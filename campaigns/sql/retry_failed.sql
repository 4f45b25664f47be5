-- Failed messages of one cause go back into the queue, with fresh attempts; marketing ones as of the day before,
-- so that the outbox asks today's caps for room before it sends them.
-- Reads touchpoints_step; reads and writes touchpoints_delivery: only rows whose outcome was never in doubt. A re-run finds none.
-- Leans on delivery_step_status.
UPDATE touchpoints_delivery AS d
SET status = 10, reason = '', detail = '', attempt = 0, failed_at = NULL, next_at = %(as_of)s, lease_token = NULL, lease_until = NULL,
  day = CASE WHEN s.purpose = 'marketing' THEN (%(as_of)s::timestamptz AT TIME ZONE %(zone)s)::date - 1 END
FROM touchpoints_step AS s
WHERE d.step_id = s.id AND d.step_id = ANY(%(steps)s) AND d.status = 90 AND d.reason = %(reason)s AND d.sent_at IS NULL AND d.unsure_since IS NULL
