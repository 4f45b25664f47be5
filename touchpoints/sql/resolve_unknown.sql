-- What the provider said of unknown deliveries: accepted, or surely not (planned again, the doubt is over),
-- or it takes the same key again (planned, the doubt stays so that the window keeps running).
-- Writes touchpoints_delivery where the resolver's token still holds. A re-run finds the token gone. Leans on the primary key.
UPDATE touchpoints_delivery AS d
SET status = r.status, reason = '', provider_ref = CASE WHEN r.ref = '' THEN d.provider_ref ELSE r.ref END,
  sent_at = CASE WHEN r.status = 40 THEN coalesce(d.sent_at, d.tried_at) ELSE d.sent_at END,
  unsure_since = CASE WHEN r.keeps_doubt THEN d.unsure_since END, lease_token = NULL, lease_until = NULL
FROM unnest(%(members)s::bigint[], %(statuses)s::int[], %(refs)s::text[], %(doubts)s::boolean[])
  AS r (member_id, status, ref, keeps_doubt)
WHERE d.step_id = %(step)s AND d.member_id = r.member_id AND d.status = 80 AND d.lease_token = %(token)s::uuid
