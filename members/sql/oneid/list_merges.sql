-- The members that turn out to be one person with an older one, and what proved it: of the two identities that one row
-- named, the one that is trusted less (`ranks`: kinds, most trusted first) – a proof is as good as its weaker half.
-- Writes the run's own merges table, one row per member that goes.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {merges} AS
SELECT DISTINCT ON (r.owner) -r.root AS winner_id, -r.owner AS loser_id, t.kind, t.hash AS value_hash
FROM {roots} AS r
LEFT JOIN (
    SELECT each.owner, weaker.kind, weaker.hash, weaker.place
    FROM {ties} AS tie
    CROSS JOIN LATERAL (VALUES (tie.a), (tie.b)) AS each (owner)
    CROSS JOIN LATERAL (
        SELECT side.kind, side.hash, array_position(%(ranks)s::text[], side.kind) AS place
        FROM (VALUES (tie.a_kind, tie.a_hash), (tie.b_kind, tie.b_hash)) AS side (kind, hash)
        ORDER BY place DESC LIMIT 1
    ) AS weaker
    WHERE each.owner < 0
) AS t ON t.owner = r.owner
WHERE r.owner < 0 AND r.owner <> r.root
ORDER BY r.owner, t.place, t.hash
