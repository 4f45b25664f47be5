-- What a person has told of single rows, for every layer of an undoing.
-- Writes undo_told, emptied before.
INSERT INTO undo_told (label, hash, member_id)
SELECT label, hash, member_id FROM unnest(%(labels)s::text[], %(hashes)s::bigint[], %(members)s::bigint[]) AS told (label, hash, member_id)
