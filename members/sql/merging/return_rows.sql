-- Rows of one table go back to the losers as they are now: those that came with the merge, and later ones judged to be theirs.
-- Reads undo_pairs, undo_winners, undo_since, members_mergedrows; writes {table}. A re-run finds none of them at the winner.
-- sample {table} = members_membertag
-- sample {member} = member_id
-- sample {columns} = tag_id, at, by_id
-- sample {values} = (g.was).tag_id, (g.was).at, (g.was).by_id
-- sample {hash} = hashtextextended(jsonb_build_array(t.tag_id)::text, 0)
-- sample {keys} = t.tag_id AS k0
-- sample {same} = t.tag_id = own.k0
WITH noted AS (
    SELECT u.winner_id, u.loser_id, unnest(m.moved) AS hash FROM undo_pairs AS u
    JOIN members_mergedrows AS m ON m.merge_id = u.merge_id AND m.label = %(label)s
    UNION ALL
    SELECT winner_id, loser_id, hash FROM undo_since WHERE label = %(label)s AND loser_id IS NOT NULL
),
own AS MATERIALIZED (
    SELECT t.{member} AS winner_id, {hash} AS hash, {keys} FROM {table} AS t JOIN undo_winners AS w ON w.winner_id = t.{member}
),
g AS (
    DELETE FROM {table} AS t USING own, noted AS n
    WHERE own.winner_id = n.winner_id AND own.hash = n.hash AND t.{member} = own.winner_id AND {same}
    RETURNING n.loser_id, t AS was
)
INSERT INTO {table} ({member}, {columns}) SELECT g.loser_id, {values} FROM g
ON CONFLICT DO NOTHING
