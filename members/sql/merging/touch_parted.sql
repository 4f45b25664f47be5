-- Everybody who was parted is to be computed again.
-- Reads undo_merges; writes members_touchedmember.
-- DO UPDATE, though it changes nothing, holds a row that is there already:
-- else a tick could take it before our facts are committed.
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT id, %(pool_id)s FROM (SELECT winner_id AS id FROM undo_merges UNION SELECT loser_id FROM undo_merges) AS both_sides ORDER BY id
ON CONFLICT (member_id) DO UPDATE SET pool_id = excluded.pool_id WHERE FALSE
