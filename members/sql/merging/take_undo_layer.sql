-- The next layer: merges whose winner took part in no later one that still stands.
-- Reads and writes undo_merges; writes undo_pairs. Each run takes a layer until none is left.
WITH now AS (
    SELECT u.merge_id FROM undo_merges AS u
    WHERE u.layer IS NULL AND NOT EXISTS (
        SELECT FROM undo_merges AS later
        WHERE later.layer IS NULL AND later.act > u.act AND later.winner_id = u.winner_id
    ) AND NOT EXISTS (
        SELECT FROM undo_merges AS later WHERE later.layer IS NULL AND later.loser_id = u.winner_id
    )
),
taken AS (UPDATE undo_merges AS u SET layer = %(layer)s FROM now WHERE now.merge_id = u.merge_id RETURNING u.*)
INSERT INTO undo_pairs (merge_id, winner_id, loser_id, turn, is_wanted) SELECT merge_id, winner_id, loser_id, turn, is_wanted FROM taken
