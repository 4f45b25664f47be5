-- Points go back: out of the winner's account, into the member's who is one again. With %(capped)s only as far as they are there.
-- Reads points_due; writes loyalty_entry. A re-run finds the keys taken.
-- sample {due} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id, 1 AS turn, TRUE AS is_wanted, 4::bigint AS due, 5::bigint AS there, 0::bigint AS before)
INSERT INTO loyalty_entry (member_id, seq, pool_id, kind, amount, position_after, key, reason, at)
SELECT
    side.member_id,
    0,
    %(pool_id)s,
    'merge',
    side.amount,
    0,
    'unmerge:' || d.merge_id || ':' || d.turn,
    '',
    %(as_of)s
FROM {due} AS d
CROSS JOIN LATERAL (
    SELECT CASE WHEN %(capped)s AND d.is_wanted AND d.due > 0 THEN greatest(least(d.due, d.there - d.before), 0) ELSE d.due END AS amount
) AS paid
CROSS JOIN LATERAL (
    VALUES (d.winner_id, -paid.amount),
    (d.loser_id, paid.amount)
) AS side (member_id, amount)
WHERE paid.amount <> 0
ORDER BY side.member_id
