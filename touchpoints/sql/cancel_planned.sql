-- What has not left yet never will. Leased rows too: their worker's intent finds nothing to turn.
-- Reads and writes touchpoints_delivery. A re-run finds nothing. Leans on delivery_open.
UPDATE touchpoints_delivery SET status = 99, reason = %(reason)s, day = NULL, lease_token = NULL, lease_until = NULL
WHERE step_id = %(step)s AND status IN (10, 20)
