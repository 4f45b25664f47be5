-- Hold everybody concerned until the end of the transaction, in the order of ids against dead-locks.
-- Reads undo_merges, members_member.
SELECT count(*) FROM (
    SELECT m.id FROM members_member AS m
    WHERE m.id IN (SELECT loser_id FROM undo_merges UNION SELECT winner_id FROM undo_merges)
    ORDER BY m.id FOR UPDATE
) AS held
