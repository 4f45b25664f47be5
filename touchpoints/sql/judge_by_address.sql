-- A message since the merge is whose address it went to: the newest of its kind, which one of the two brought.
-- Reads undo_since, undo_pairs, members_mergedrows, members_identity, touchpoints_step; writes undo_since. Rows judged already stay.
-- not prepared: writes a temporary table made by undoing a merge (tests/members/test_undo_upper.py runs it)
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id)
-- sample {winners} = (SELECT 1::bigint AS winner_id)
-- sample {identity} = hashtextextended(jsonb_build_array(t.pool_id, t.kind)::text, 0)
WITH newest AS (
  SELECT DISTINCT ON (w.winner_id, t.kind) w.winner_id, t.kind, {identity} AS hash
  FROM members_identity AS t JOIN {winners} AS w ON w.winner_id = t.member_id
  WHERE t.kind = ANY(%(kinds)s::text[])
  ORDER BY w.winner_id, t.kind, t.seen_at DESC, t.value_hash),
side AS (
  SELECT u.winner_id, u.loser_id, unnest(m.moved) AS hash FROM {pairs} AS u
  JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label = 'members.Identity'
  UNION
  SELECT u.winner_id, NULL, unnest(m.kept) FROM {pairs} AS u
  JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label = 'members.Identity')
UPDATE {since} AS s SET loser_id = side.loser_id, verdict = 'address'
FROM touchpoints_step AS step, unnest(%(connectors)s::bigint[], %(kinds)s::text[]) AS c (connector_id, kind), newest, side
WHERE s.label = 'touchpoints.Delivery' AND s.verdict = '' AND step.id = (s.row ->> 'step_id')::bigint AND c.connector_id = step.connector_id
  AND newest.winner_id = s.winner_id AND newest.kind = c.kind AND side.winner_id = newest.winner_id AND side.hash = newest.hash
