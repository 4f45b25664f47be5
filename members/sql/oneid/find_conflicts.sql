-- Rows whose identities belong to people who are not joined: what they have in common is for a person to judge.
-- Writes the run's own conflicts table, each pair of people once per identity.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {conflicts} AS
SELECT min(each.line) AS line, each.one, each.two, each.kind, each.hash, count(*) AS times
FROM (
    SELECT line, least(a, b) AS one, greatest(a, b) AS two, kind, hash FROM ({rows}) AS said WHERE a <> b
) AS each
GROUP BY each.one, each.two, each.kind, each.hash
