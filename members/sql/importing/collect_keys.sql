-- Every identity a staged file names, the first line that does, and who holds it now.
-- Writes the run's own keys table. `owner` is a line of the file (> 0) or a known member (< 0).
-- Leans on the primary key of members_identity (pool, kind, value_hash).
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {keys} AS
SELECT said.kind, said.hash, said.line, known.member_id AS known, coalesce(-known.member_id, said.line) AS owner
FROM (SELECT kind, hash, min(line) AS line FROM ({exploded}) AS each WHERE hash IS NOT NULL GROUP BY kind, hash) AS said
LEFT JOIN members_identity AS known
    ON known.pool_id = %(pool)s AND known.kind = said.kind AND known.value_hash = said.hash
