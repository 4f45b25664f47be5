-- Move the points of merged members to the members they became: out of the one, into the other.
-- Reads the pairs and loyalty_account; writes loyalty_entry. The old history stays where it happened.
-- A re-run books nothing: the loser's position is zero and the keys are taken.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id)
INSERT INTO loyalty_entry (member_id, seq, pool_id, kind, amount, position_after, key, reason, at)
SELECT
    side.member_id,
    0,
    a.pool_id,
    'merge',
    side.amount,
    0,
    'merge:' || p.loser_id || ':' || p.winner_id,
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
