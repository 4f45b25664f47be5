-- Merges that were only taken apart on the way are joined again under their own lines, layer by layer.
-- Reads undo_merges; writes merge_pairs.
INSERT INTO merge_pairs (loser_id, winner_id, merge_id, turn)
SELECT loser_id, winner_id, merge_id, turn + 1 FROM undo_merges WHERE layer = %(layer)s AND NOT is_wanted
