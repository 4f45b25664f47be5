-- The losers' identities lead to their winners: the member is in no key of theirs, so it is changed in place.
-- Reads merge_pairs, merge_winners; writes members_identity, members_mergedrows. A re-run finds nothing.
-- sample {hash} = hashtextextended(jsonb_build_array(t.pool_id, t.kind)::text, 0)
WITH own AS (
    SELECT w.winner_id, array_agg({hash}) AS kept FROM members_identity AS t JOIN merge_winners AS w ON w.winner_id = t.member_id
    GROUP BY w.winner_id
),
led AS (
    UPDATE members_identity AS t SET member_id = p.winner_id FROM merge_pairs AS p WHERE t.member_id = p.loser_id
    RETURNING p.merge_id, {hash} AS hash
),
moved AS (SELECT merge_id, array_agg(hash) AS moved FROM led GROUP BY merge_id)
INSERT INTO members_mergedrows (merge_id, label, moved, kept)
SELECT p.merge_id, 'members.Identity', COALESCE(moved.moved, '{{}}'), COALESCE(own.kept, '{{}}')
FROM merge_pairs AS p LEFT JOIN moved ON moved.merge_id = p.merge_id LEFT JOIN own ON own.winner_id = p.winner_id
WHERE moved.moved IS NOT NULL OR own.kept IS NOT NULL
