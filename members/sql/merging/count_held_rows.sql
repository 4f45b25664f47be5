-- Count a table's rows of the losers before their own mover takes them.
-- Reads {table}; writes merge_moved.
-- sample {table} = members_order
-- sample {member} = member_id
INSERT INTO merge_moved (loser_id, label, n)
SELECT p.loser_id, %(label)s, count(*) FROM {table} AS t JOIN merge_pairs AS p ON p.loser_id = t.{member} GROUP BY 1
