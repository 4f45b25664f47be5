-- Rows of members about to be merged: a lease is taken back (its worker then sends nothing), a row whose message may have left
-- keeps the number it left under. Reads the pairs; writes touchpoints_delivery. A re-run changes nothing.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id)
UPDATE touchpoints_delivery AS d
SET status = CASE WHEN d.status = 20 THEN 10 ELSE d.status END,
  lease_token = CASE WHEN d.status = 20 THEN NULL ELSE d.lease_token END,
  lease_until = CASE WHEN d.status = 20 THEN NULL ELSE d.lease_until END,
  sent_as = CASE WHEN d.tried_at IS NOT NULL OR d.status BETWEEN 30 AND 80 THEN coalesce(d.sent_as, d.member_id) ELSE d.sent_as END
FROM {pairs} AS p
WHERE d.member_id = p.loser_id
  AND (d.status = 20 OR (d.sent_as IS NULL AND (d.tried_at IS NOT NULL OR d.status BETWEEN 30 AND 80)))
