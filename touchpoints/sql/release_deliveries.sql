-- Give leased deliveries back that were never going to be sent now (paused, breaker, end of shift).
-- Writes touchpoints_delivery. A re-run finds nothing of this token. Leans on the primary key.
UPDATE touchpoints_delivery SET status = 10, lease_token = NULL, lease_until = NULL
WHERE step_id = %(step)s AND member_id = ANY(%(members)s::bigint[]) AND status = 20 AND lease_token = %(token)s::uuid
