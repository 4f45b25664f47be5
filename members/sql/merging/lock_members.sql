-- Hold everybody concerned until the end of the transaction, in the order of ids against dead-locks.
SELECT count(*) FROM (
    SELECT m.id FROM members_member AS m
    WHERE m.id IN (SELECT loser_id FROM merge_pairs UNION SELECT winner_id FROM merge_pairs)
    ORDER BY m.id FOR UPDATE
) AS held
