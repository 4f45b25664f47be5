-- Pairs of different owners that one row of the file carries, for one kind of identity, and what each is owned by.
-- Reads the run's own tables; leans on the index of its keys.
-- not prepared: reads tables made by each import
SELECT a.owner AS a, b.owner AS b, a.kind AS a_kind, a.hash AS a_hash, b.kind AS b_kind, b.hash AS b_hash
FROM {stage} AS s
JOIN {keys} AS a ON a.hash = {any}
JOIN {keys} AS b ON b.hash = s.{column}
WHERE a.owner <> b.owner {only}
