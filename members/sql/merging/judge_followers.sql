-- Rows that belong to another row (the lines of an order, the receipts of a delivery) go where that one goes.
-- Reads members_mergedrows and undo_since of the leading label; writes undo_since of the following one.
-- sample {lead} = hashtextextended(jsonb_build_array((s.row ->> 'order_id')::bigint)::text, 0)
WITH lead AS (
    SELECT u.winner_id, m.hash, u.loser_id FROM undo_pairs AS u
    JOIN members_mergedrows AS rows ON rows.merge_id = u.merge_id AND rows.label = %(leading)s
    CROSS JOIN LATERAL unnest(rows.moved) AS m (hash)
    UNION ALL
    SELECT winner_id, hash, loser_id FROM undo_since WHERE label = %(leading)s AND loser_id IS NOT NULL
)
UPDATE undo_since AS s SET verdict = 'follows', loser_id = (
    SELECT lead.loser_id FROM lead WHERE lead.winner_id = s.winner_id AND lead.hash = {lead} LIMIT 1
)
WHERE s.label = %(label)s
