-- The losers' identities lead to their winners.
-- Reads merge_pairs; writes members_identity.member_id, which is in no key. A re-run finds nothing.
UPDATE members_identity AS i SET member_id = p.winner_id FROM merge_pairs AS p WHERE i.member_id = p.loser_id
