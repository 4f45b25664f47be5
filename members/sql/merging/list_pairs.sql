-- The first pairs, for the audit line.
SELECT winner_id, loser_id FROM merge_pairs ORDER BY loser_id LIMIT %(limit)s
