-- What became of deliveries we were sending: one outcome for many members.
-- Writes touchpoints_delivery where the lease is still ours; rows that were called unknown meanwhile but not touched by anybody
-- else take our certain answer. A re-run finds the token gone. Leans on the primary key.
UPDATE touchpoints_delivery AS d
SET status = CASE WHEN %(reason)s = 'retries' AND d.unsure_since IS NOT NULL THEN 80 ELSE %(status)s END,
  reason = %(reason)s, detail = %(detail)s,
  provider_ref = CASE WHEN %(ref)s = '' THEN d.provider_ref ELSE %(ref)s END,
  sent_at = CASE WHEN %(status)s = 40 THEN %(now)s ELSE d.sent_at END,
  failed_at = CASE WHEN %(status)s = 90 THEN %(now)s ELSE d.failed_at END,
  next_at = CASE WHEN %(status)s = 10 THEN %(next_at)s ELSE d.next_at END,
  attempt = d.attempt - %(unused)s,
  day = CASE WHEN %(status)s = 90 THEN NULL ELSE d.day END,
  unsure_since = CASE WHEN %(status)s = 80 THEN coalesce(d.unsure_since, d.tried_at) WHEN %(status)s = 10 THEN d.unsure_since END,
  lease_token = CASE WHEN %(status)s = 80 THEN d.lease_token END, lease_until = NULL
WHERE d.step_id = %(step)s AND d.member_id = ANY(
    -- Rows that merging moved while we were sending: they know under whose number they left.
    %(members)s::bigint[] || ARRAY(SELECT m.member_id FROM touchpoints_delivery AS m WHERE m.step_id = %(step)s AND m.sent_as = ANY(%(members)s::bigint[])))
  AND d.lease_token = %(token)s::uuid AND d.status IN (30, 80)
RETURNING d.member_id
