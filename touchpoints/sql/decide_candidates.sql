-- The contact policy: one row per candidate with the reason against it, null when it may be written to.
-- Reads candidates (generated), members_member, _identity, _consent, _memberstate, touchpoints_block, _delivery; writes nothing.
-- Leans on the primary keys (member first) and identity_member. Caps count other steps' messages of the pool's days.
-- not prepared: its candidates are a query of the caller's; the policy's tests run it
SELECT c.member_id, c.content_id,
  CASE
    WHEN m.id IS NULL THEN 'unknown_member'
    WHEN %(address)s <> '' AND a.value_hash IS NULL THEN 'no_address'
    WHEN b.member_id IS NOT NULL AND (b.value_hash IS NULL OR b.value_hash = a.value_hash) THEN 'blocklisted'
    WHEN NOT coalesce(k.granted, true) THEN 'unsubscribed'
    WHEN k.granted IS NULL AND %(needs_consent)s THEN 'no_consent'
    WHEN %(slot)s > %(closes_at)s THEN 'quiet_hours'
    WHEN NOT %(capped)s THEN NULL
    WHEN u.today >= %(cap_day)s THEN 'cap_day'
    WHEN u.week >= %(cap_week)s THEN 'cap_week'
    WHEN u.week >= (%(stage_caps)s::jsonb ->> coalesce(s.stage, 0)::text)::int THEN 'cap_stage'
  END AS reason
FROM (SELECT DISTINCT ON (given.member_id) given.member_id, given.content_id FROM ({candidates}) AS given
  ORDER BY given.member_id, given.content_id) AS c
LEFT JOIN members_member AS m ON m.id = c.member_id AND m.pool_id = %(pool)s AND m.merged_into IS NULL
LEFT JOIN LATERAL (
  SELECT i.value_hash FROM members_identity AS i
  WHERE i.member_id = c.member_id AND i.pool_id = %(pool)s AND i.kind = %(address)s
  ORDER BY i.seen_at DESC, i.value_hash LIMIT 1) AS a ON %(address)s <> ''
LEFT JOIN touchpoints_block AS b ON b.member_id = c.member_id AND b.carrier = %(carrier)s
LEFT JOIN members_consent AS k ON k.member_id = c.member_id AND k.carrier = %(carrier)s AND k.purpose = %(consent_purpose)s
LEFT JOIN members_memberstate AS s ON s.member_id = c.member_id
LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE d.day = %(day)s::date) AS today, count(*) AS week FROM touchpoints_delivery AS d
  WHERE d.member_id = c.member_id AND d.day BETWEEN %(day)s::date - 6 AND %(day)s::date + 6
    AND d.status NOT IN (90, 95, 99) AND d.step_id <> %(step)s) AS u ON %(capped)s
