-- Through which channels each side was known when it was merged: its identities' and its orders'.
-- Reads undo_pairs, undo_winners, members_mergedrows, members_identity, members_order; writes undo_channels (loser null: the winner).
-- sample {identity} = hashtextextended(jsonb_build_array(t.pool_id, t.kind)::text, 0)
-- sample {order} = hashtextextended(jsonb_build_array(t.id)::text, 0)
WITH own AS (
    SELECT w.winner_id, 'members.Identity' AS label, {identity} AS hash, t.channel_id
    FROM members_identity AS t JOIN undo_winners AS w ON w.winner_id = t.member_id WHERE t.channel_id IS NOT NULL
    UNION ALL
    SELECT w.winner_id, 'members.Order', {order}, t.channel_id FROM members_order AS t JOIN undo_winners AS w ON w.winner_id = t.member_id
),
side AS (
    SELECT u.winner_id, u.loser_id, m.label, unnest(m.moved) AS hash FROM undo_pairs AS u
    JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label IN ('members.Identity', 'members.Order')
    UNION ALL
    SELECT u.winner_id, NULL, m.label, unnest(m.kept) FROM undo_pairs AS u
    JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label IN ('members.Identity', 'members.Order')
)
INSERT INTO undo_channels (winner_id, loser_id, channel_id)
SELECT DISTINCT own.winner_id, side.loser_id, own.channel_id
FROM own JOIN side ON side.winner_id = own.winner_id AND side.label = own.label AND side.hash = own.hash
