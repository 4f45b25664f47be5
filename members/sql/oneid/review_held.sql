-- Merges that were held back because they would have joined two who were told apart: each pair of them is for a person to judge.
-- Reads the temporary merge_held and members_notsame; writes members_review, each pair once.
-- not prepared: merge_held is a temporary table of merging
INSERT INTO members_review (pool_id, one_id, two_id, reason, cause_kind, cause_hash, evidence, status, at)
SELECT DISTINCT ON (least(held.winner_id, held.loser_id), greatest(held.winner_id, held.loser_id))
    %(pool)s, least(held.winner_id, held.loser_id), greatest(held.winner_id, held.loser_id), 'conflict', coalesce(held.kind, ''),
    held.value_hash, jsonb_build_object('source', %(source)s::text), 'open', %(as_of)s::timestamptz
FROM merge_held AS held
WHERE held.winner_id <> held.loser_id AND NOT EXISTS (
    SELECT FROM members_notsame AS apart
    WHERE apart.pool_id = %(pool)s AND apart.first_id = least(held.winner_id, held.loser_id)
        AND apart.second_id = greatest(held.winner_id, held.loser_id)
)
ORDER BY 2, 3
ON CONFLICT (pool_id, one_id, two_id) DO NOTHING
