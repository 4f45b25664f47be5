-- Guarded values of one kind leave a staged file: their rows go by what else they carry.
-- Changes the run's own tables; a value that left is not found again.
-- not prepared: reads tables made by each import
WITH gone AS (
    UPDATE {stage} AS s SET {column} = NULL
    FROM {guards} AS guard
    WHERE guard.kind = %(kind)s AND NOT guard.is_allowed AND guard.hash = s.{column}
    RETURNING s.line, guard.hash
)
INSERT INTO {stopped} (line, kind, hash) SELECT line, %(kind)s, hash FROM gone
