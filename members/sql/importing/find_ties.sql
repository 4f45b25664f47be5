-- Pairs of different owners that one row of the file carries, for one kind of identity.
-- Reads the run's own tables; leans on the index of its keys.
SELECT a.owner, b.owner
FROM {stage} AS s
JOIN {keys} AS a ON a.hash = {any}
JOIN {keys} AS b ON b.hash = s.{column}
WHERE a.owner <> b.owner {only}
