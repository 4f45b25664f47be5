-- Move the losers' rows of one table to their winners: delete and insert, since a member is part of keys.
-- Reads merge_pairs; writes {table} and merge_moved. Two rows of one key: the newer stays where the table
-- says what newer means, else the winner's. A re-run finds no rows of the losers.
-- sample {table} = members_membertag
-- sample {member} = member_id
-- sample {columns} = tag_id, at, by_id
-- sample {gone} = t.tag_id, t.at, t.by_id
-- sample {key} = winner_id, tag_id
-- sample {order} = loser_id
-- sample {conflict} = DO NOTHING
WITH gone AS (
    DELETE FROM {table} AS t USING merge_pairs AS p WHERE t.{member} = p.loser_id
    RETURNING p.winner_id, p.loser_id, {gone}
),
put AS (
    INSERT INTO {table} ({member}, {columns})
    SELECT DISTINCT ON ({key}) winner_id, {columns} FROM gone ORDER BY {key}, {order}
    ON CONFLICT {conflict}
)
INSERT INTO merge_moved (loser_id, label, n) SELECT loser_id, %(label)s, count(*) FROM gone GROUP BY loser_id
