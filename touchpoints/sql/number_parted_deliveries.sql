-- Rows of members who were parted: one that left under its member's own number needs no other; one that came since the merge
-- and was judged to be theirs left under the winner's. Reads undo_pairs, undo_since; writes touchpoints_delivery. A re-run changes nothing.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id)
-- sample {since} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 'x'::text AS label, 4::bigint AS hash, ''::text AS verdict, NULL::jsonb AS row)
UPDATE touchpoints_delivery AS d
SET sent_as = CASE WHEN d.sent_as = d.member_id THEN NULL ELSE coalesce(d.sent_as, u.winner_id) END
FROM {pairs} AS u
WHERE d.member_id = u.loser_id AND (
  d.sent_as = d.member_id
  OR (d.sent_as IS NULL AND (d.tried_at IS NOT NULL OR d.status BETWEEN 30 AND 80) AND EXISTS (
    SELECT FROM {since} AS s
    WHERE s.label = 'touchpoints.Delivery' AND s.loser_id = u.loser_id AND (s.row ->> 'step_id')::bigint = d.step_id)))
