-- The losers' identities lead to them again, and later ones that were judged to be theirs.
-- Reads undo_pairs, undo_since, members_mergedrows; writes members_identity. A re-run finds none at the winner.
-- sample {hash} = hashtextextended(jsonb_build_array(t.pool_id, t.kind)::text, 0)
WITH noted AS (
    SELECT u.winner_id, u.loser_id, unnest(m.moved) AS hash FROM undo_pairs AS u
    JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label = 'members.Identity'
    UNION ALL
    SELECT winner_id, loser_id, hash FROM undo_since WHERE label = 'members.Identity' AND loser_id IS NOT NULL
)
UPDATE members_identity AS t SET member_id = n.loser_id FROM noted AS n WHERE t.member_id = n.winner_id AND n.hash = {hash}
