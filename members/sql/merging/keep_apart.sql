-- These two are not to be joined again without a person saying so.
-- Reads undo_merges; writes members_notsame. A re-run finds them said.
INSERT INTO members_notsame (pool_id, first_id, second_id, merge_id, reason, by_id, at)
SELECT %(pool_id)s, least(winner_id, loser_id), greatest(winner_id, loser_id), merge_id, '', %(actor)s, %(as_of)s
FROM undo_merges WHERE is_wanted ORDER BY merge_id
ON CONFLICT (pool_id, first_id, second_id) DO NOTHING
