-- The members that turn out to be one person with an older one, and the identity of theirs that a row named beside another's.
-- Writes the run's own merges table, one row per member that goes.
CREATE UNLOGGED TABLE {merges} AS
SELECT DISTINCT ON (r.owner) -r.root AS winner_id, -r.owner AS loser_id, t.kind, t.hash AS value_hash
FROM {roots} AS r
LEFT JOIN (
    SELECT a AS owner, a_kind AS kind, a_hash AS hash FROM {ties} UNION ALL SELECT b, b_kind, b_hash FROM {ties}
) AS t ON t.owner = r.owner
WHERE r.owner < 0 AND r.owner <> r.root
ORDER BY r.owner, t.kind, t.hash
