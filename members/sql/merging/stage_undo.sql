-- The merges asked for that still stand.
-- Reads members_merge; writes undo_merges, emptied before.
INSERT INTO undo_merges (merge_id, winner_id, loser_id, act, turn, is_wanted)
SELECT m.id, m.winner_id, m.loser_id, COALESCE(m.act, 0), m.turn, TRUE
FROM unnest(%(ids)s::bigint[]) AS given (id)
JOIN members_merge AS m ON m.id = given.id
WHERE m.pool_id = %(pool_id)s AND m.undone_at IS NULL
ON CONFLICT (merge_id) DO NOTHING
