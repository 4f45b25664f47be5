-- Rows that came since, for a person: the open ones first.
-- Reads undo_listed.
SELECT label, hash, loser_id, verdict, row FROM (
    SELECT l.*, row_number() OVER (PARTITION BY label ORDER BY verdict <> '', hash) AS n FROM undo_listed AS l
) AS numbered
WHERE n <= %(limit)s ORDER BY verdict <> '', label, n
