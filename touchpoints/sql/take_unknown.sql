-- Unknown deliveries of a step that may still be resolved, taken by one resolver at a time (a token and a lease of its own).
-- Writes touchpoints_delivery. Two at once take different rows. Leans on delivery_unknown.
UPDATE touchpoints_delivery AS d
SET lease_token = %(token)s::uuid, lease_until = clock_timestamp() + %(lease)s
WHERE d.step_id = %(step)s AND d.member_id = ANY (ARRAY(
  SELECT q.member_id FROM touchpoints_delivery AS q
  WHERE q.step_id = %(step)s AND q.status = 80 AND coalesce(q.lease_until, '-infinity') < clock_timestamp() - %(grace)s
    AND q.unsure_since > clock_timestamp() - %(within)s
  ORDER BY q.unsure_since LIMIT %(n)s FOR UPDATE SKIP LOCKED))
RETURNING d.member_id, coalesce(d.sent_as, d.member_id) AS sent_as, d.unsure_since
