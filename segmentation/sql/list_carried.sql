-- Fixed segments in which parted members had given their place to the winner, and whether the winner stood there already.
-- Reads the pairs, members_mergedrows.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id)
SELECT u.winner_id, u.loser_id, unnest(m.moved) AS snapshot, FALSE AS stood
FROM {pairs} AS u JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label = %(label)s
UNION ALL
SELECT u.winner_id, u.loser_id, unnest(m.kept), TRUE
FROM {pairs} AS u JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label = %(label)s
