-- One line of history per member that went, with what moved.
-- Reads merge_pairs and merge_moved; writes members_merge.
INSERT INTO members_merge (pool_id, winner_id, loser_id, cause_kind, cause_hash, moved, actor_id, at)
SELECT %(pool_id)s, p.winner_id, p.loser_id, %(kind)s, %(hash)s, COALESCE(jsonb_object_agg(m.label, m.n) FILTER (WHERE m.label IS NOT NULL), '{}'), %(actor)s, %(as_of)s
FROM merge_pairs AS p LEFT JOIN merge_moved AS m USING (loser_id)
GROUP BY p.winner_id, p.loser_id
