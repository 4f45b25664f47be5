-- Whoever is parted from a member whose points are to be computed again is to be computed again too.
-- Reads the pairs; writes loyalty_duemember. A re-run finds them marked.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id)
INSERT INTO loyalty_duemember (member_id, pool_id)
SELECT p.loser_id, d.pool_id FROM {pairs} AS p INNER JOIN loyalty_duemember AS d ON d.member_id = p.winner_id
ON CONFLICT DO NOTHING
