-- Members who refused, moved or were blocked between planning and sending: kept back with the reason.
-- Writes touchpoints_delivery where the lease is ours. A re-run finds the token gone. Leans on the primary key.
UPDATE touchpoints_delivery AS d
SET status = 95, reason = w.reason, day = NULL, lease_token = NULL, lease_until = NULL,
  attempt = d.attempt - (d.status = 30)::int
FROM unnest(%(members)s::bigint[], %(reasons)s::text[]) AS w (member_id, reason)
WHERE d.step_id = %(step)s AND d.member_id = w.member_id AND d.status IN (20, 30) AND d.lease_token = %(token)s::uuid
