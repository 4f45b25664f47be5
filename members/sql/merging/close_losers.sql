-- Losers, and whoever was merged into them before, point at the winner: no chain is longer than one.
-- Reads merge_pairs; writes members_member.merged_into.
UPDATE members_member AS m SET merged_into = p.winner_id, updated_at = %(as_of)s
FROM merge_pairs AS p
WHERE m.id = p.loser_id OR m.merged_into = p.loser_id
