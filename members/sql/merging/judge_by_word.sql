-- What a person has told of single rows: whose they are. It stands above all evidence.
-- Reads undo_told, undo_pairs, members_merge; writes undo_since. A row told to somebody who went into a loser earlier goes with that loser.
WITH RECURSIVE road AS (
    SELECT DISTINCT member_id AS told, member_id AS at FROM undo_told
    UNION
    SELECT road.told, m.winner_id FROM road JOIN members_merge AS m ON m.loser_id = road.at
    WHERE m.undone_at IS NULL AND NOT EXISTS (SELECT FROM undo_pairs AS u WHERE u.loser_id = road.at)
)
UPDATE undo_since AS s
SET verdict = 'told', loser_id = (
    SELECT u.loser_id FROM road JOIN undo_pairs AS u ON u.loser_id = road.at AND u.winner_id = s.winner_id WHERE road.told = t.member_id LIMIT 1
)
FROM undo_told AS t WHERE t.label = s.label AND t.hash = s.hash
