-- Rows of the winners that neither they nor the losers had when they were merged: what came since.
-- Reads undo_pairs, undo_winners, members_mergedrows, {table}; writes undo_since, with what a person has told already.
-- sample {table} = members_membertag
-- sample {member} = member_id
-- sample {hash} = hashtextextended(jsonb_build_array(t.tag_id)::text, 0)
WITH known AS (
    SELECT u.winner_id, known.hash FROM undo_pairs AS u
    JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label = %(label)s
    CROSS JOIN LATERAL unnest(m.moved || m.kept) AS known (hash)
),
own AS (SELECT w.winner_id, {hash} AS hash, t AS row FROM {table} AS t JOIN undo_winners AS w ON w.winner_id = t.{member})
INSERT INTO undo_since (winner_id, label, hash, row)
SELECT own.winner_id, %(label)s, own.hash, to_jsonb(own.row) FROM own
WHERE NOT EXISTS (SELECT FROM known WHERE known.winner_id = own.winner_id AND known.hash = own.hash)
