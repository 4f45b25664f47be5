-- Rows that came since to somebody asked about, or to whoever they were merged into later: what a person should see.
-- Reads undo_since, undo_pairs, undo_merges, members_merge; writes undo_listed. A deeper layer knows better.
WITH RECURSIVE road AS (
    SELECT loser_id AS at FROM undo_merges WHERE is_wanted
    UNION
    SELECT m.winner_id FROM road JOIN undo_merges AS m ON m.loser_id = road.at
)
INSERT INTO undo_listed (label, hash, loser_id, verdict, row)
SELECT s.label, s.hash, s.loser_id, s.verdict, s.row FROM undo_since AS s
WHERE s.label <> ALL(%(followers)s::text[])
    AND s.winner_id IN (SELECT u.winner_id FROM undo_pairs AS u JOIN road ON road.at = u.loser_id)
ON CONFLICT (label, hash) DO UPDATE SET loser_id = excluded.loser_id, verdict = excluded.verdict
