-- Move the points of merged members to the members they became: out of the one, into the other. What moved is remembered.
-- Reads the pairs and loyalty_account; writes loyalty_entry, members_mergedrows. The old history stays where it happened.
-- A re-run books nothing: the loser's position is zero and the keys are taken.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id, 1 AS turn)
WITH note AS (
    INSERT INTO members_mergedrows (merge_id, label, moved, kept)
    SELECT p.merge_id, 'loyalty.Account', ARRAY[coalesce(l.position, 0)], ARRAY[coalesce(w.seq, 0)]
    FROM {pairs} AS p
    LEFT JOIN loyalty_account AS l ON p.loser_id = l.member_id
    LEFT JOIN loyalty_account AS w ON p.winner_id = w.member_id
    WHERE l.member_id IS NOT NULL OR w.member_id IS NOT NULL
)

INSERT INTO loyalty_entry (member_id, seq, pool_id, kind, amount, position_after, key, reason, at)
SELECT
    side.member_id,
    0,
    a.pool_id,
    'merge',
    side.amount,
    0,
    'merge:' || p.merge_id || ':' || p.turn,
    '',
    %(as_of)s
FROM {pairs} AS p
INNER JOIN loyalty_account AS a ON p.loser_id = a.member_id
CROSS JOIN LATERAL (
    VALUES (p.loser_id, -a.position),
    (p.winner_id, a.position)
) AS side (member_id, amount)
WHERE a.position <> 0
ORDER BY side.member_id
