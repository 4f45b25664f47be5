-- Winners and losers are to be computed again.
-- Reads merge_pairs; writes members_touchedmember.
-- DO UPDATE, though it changes nothing, holds a row that is there already:
-- else a tick could take it before our facts are committed.
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT id, %(pool_id)s FROM (SELECT winner_id AS id FROM merge_pairs UNION SELECT loser_id FROM merge_pairs) AS both_sides ORDER BY id
ON CONFLICT (member_id) DO UPDATE SET pool_id = excluded.pool_id WHERE FALSE
