-- One round of what else must be taken apart: every later merge into a winner of those known, and of such a winner into another.
-- Reads undo_merges, members_merge; writes undo_merges. Runs until a round finds none. Leans on merge_winner and merge_loser.
INSERT INTO undo_merges (merge_id, winner_id, loser_id, act, turn, is_wanted)
SELECT m.id, m.winner_id, m.loser_id, COALESCE(m.act, 0), m.turn, FALSE
FROM (
    SELECT m.* FROM (SELECT winner_id, min(act) AS act FROM undo_merges GROUP BY winner_id) AS known
    JOIN members_merge AS m ON m.winner_id = known.winner_id AND COALESCE(m.act, m.id) >= known.act
    UNION ALL
    SELECT m.* FROM (SELECT DISTINCT winner_id FROM undo_merges) AS known JOIN members_merge AS m ON m.loser_id = known.winner_id
) AS m
WHERE m.undone_at IS NULL AND NOT EXISTS (SELECT FROM undo_merges AS u WHERE u.merge_id = m.id)
ON CONFLICT (merge_id) DO NOTHING
