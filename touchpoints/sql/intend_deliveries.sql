-- The intent to send, committed before the provider is called. Only rows still leased by us turn, and only while the step
-- runs and the member has not refused meanwhile; those who have are suppressed here.
-- Reads step, connector, consent, block; writes touchpoints_delivery. A re-run finds no leased row. Leans on the primary key.
UPDATE touchpoints_delivery AS d
SET status = CASE WHEN f.refusal = '' THEN 30 ELSE 95 END, reason = f.refusal,
  day = CASE WHEN f.refusal = '' THEN d.day END,
  attempt = d.attempt + (f.refusal = '')::int,
  tried_at = CASE WHEN f.refusal = '' THEN coalesce(d.tried_at, clock_timestamp()) ELSE d.tried_at END,
  lease_until = clock_timestamp() + %(lease)s
FROM (
  SELECT q.member_id, CASE WHEN b.member_id IS NOT NULL AND b.value_hash IS NULL THEN 'blocklisted'
    WHEN NOT k.granted THEN 'unsubscribed' ELSE '' END AS refusal
  FROM unnest(%(members)s::bigint[]) AS q (member_id)
  LEFT JOIN touchpoints_block AS b ON b.member_id = q.member_id AND b.carrier = %(carrier)s
  LEFT JOIN members_consent AS k ON k.member_id = q.member_id AND k.carrier = %(carrier)s AND k.purpose = %(purpose)s) AS f
WHERE d.member_id = f.member_id AND d.step_id = %(step)s AND d.status = 20
  AND d.lease_token = %(token)s::uuid AND d.lease_until > clock_timestamp()
  AND EXISTS (
    SELECT FROM touchpoints_step AS s JOIN touchpoints_connector AS c ON c.id = s.connector_id
    WHERE s.id = %(step)s AND NOT s.is_paused AND NOT s.is_cancelled AND c.is_active
      AND coalesce(s.closes_at, 'infinity') > %(now)s)
RETURNING d.member_id, d.status
