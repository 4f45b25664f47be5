-- What was remembered of these merges is used up.
-- Reads undo_pairs; deletes from members_mergedrows. A re-run finds nothing.
DELETE FROM members_mergedrows AS m USING undo_pairs AS u WHERE m.merge_id = u.merge_id
