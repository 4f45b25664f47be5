-- Take due deliveries of a step under a lease, with all that is needed to write the message.
-- With %(straight)s the intent to send is written at once (status 30): only for connectors whose batch is the whole chunk.
-- Reads step, connector, member, state, identity, consent, block; writes touchpoints_delivery. Two at once take different rows
-- (SKIP LOCKED); a claim whose worker died is taken again after its lease. Leans on delivery_open.
WITH taken AS (
  UPDATE touchpoints_delivery AS d
  SET status = CASE WHEN %(straight)s THEN 30 ELSE 20 END, lease_token = %(token)s::uuid,
    lease_until = clock_timestamp() + %(lease)s, attempt = d.attempt + %(straight)s::int,
    tried_at = CASE WHEN %(straight)s THEN coalesce(d.tried_at, clock_timestamp()) ELSE d.tried_at END
  WHERE d.step_id = %(step)s AND d.member_id = ANY (ARRAY(
    SELECT q.member_id FROM touchpoints_delivery AS q
    WHERE q.step_id = %(step)s AND q.status IN (10, 20) AND q.next_at <= %(now)s
      AND (q.status = 10 OR q.lease_until < clock_timestamp())
      AND (q.unsure_since IS NULL OR q.unsure_since > clock_timestamp() - %(window)s)
      AND EXISTS (
        SELECT FROM touchpoints_step AS s JOIN touchpoints_connector AS c ON c.id = s.connector_id
        WHERE s.id = %(step)s AND NOT s.is_paused AND NOT s.is_cancelled AND c.is_active)
    ORDER BY q.next_at LIMIT %(n)s FOR UPDATE OF q SKIP LOCKED))
  RETURNING d.member_id, d.step_id, d.content_id, d.attempt, d.sent_as
)
SELECT t.member_id, t.step_id, t.content_id, t.attempt, coalesce(t.sent_as, t.member_id) AS sent_as, m.name, m.city, m.province,
  s.order_count, s.amount_total, s.first_order_at, s.last_order_at, a.value AS address, a.sealed,
  CASE WHEN m.merged_into IS NOT NULL THEN 'unknown_member'
    WHEN %(address)s <> '' AND a.value_hash IS NULL THEN 'no_address'
    WHEN b.member_id IS NOT NULL AND (b.value_hash IS NULL OR b.value_hash = a.value_hash) THEN 'blocklisted'
    WHEN NOT k.granted THEN 'unsubscribed' ELSE '' END AS refusal
FROM taken AS t
JOIN members_member AS m ON m.id = t.member_id
LEFT JOIN members_memberstate AS s ON s.member_id = t.member_id
LEFT JOIN LATERAL (
  SELECT i.value_hash, i.value, i.sealed FROM members_identity AS i
  WHERE i.member_id = t.member_id AND i.pool_id = %(pool)s AND i.kind = %(address)s
  ORDER BY i.seen_at DESC, i.value_hash LIMIT 1) AS a ON %(address)s <> ''
LEFT JOIN touchpoints_block AS b ON b.member_id = t.member_id AND b.carrier = %(carrier)s
LEFT JOIN members_consent AS k ON k.member_id = t.member_id AND k.carrier = %(carrier)s AND k.purpose = %(purpose)s
