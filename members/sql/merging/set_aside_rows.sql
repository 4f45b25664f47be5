-- Rows that are computed and not a winner's: the losers' are set aside as they are, to come back with them.
-- Reads merge_pairs; takes from {table}, writes members_setaside. A re-run finds no rows of the losers.
-- sample {table} = members_memberstate
-- sample {member} = member_id
WITH gone AS (DELETE FROM {table} AS t USING merge_pairs AS p WHERE t.{member} = p.loser_id RETURNING p.merge_id, p.loser_id, to_jsonb(t) AS was)
INSERT INTO members_setaside (merge_id, label, owner_id, hash, row) SELECT merge_id, %(label)s, loser_id, 0, was FROM gone
