-- Remember for each merge in which fixed segments the winner took the loser's place (moved), or stood already (kept).
-- Writes members_mergedrows. Runs once per merge and snapshot.
INSERT INTO members_mergedrows (merge_id, label, moved, kept)
SELECT id, %(label)s, ARRAY[%(snapshot)s::bigint], '{}'::bigint[] FROM unnest(%(added)s::bigint[]) AS id
UNION ALL
SELECT id, %(label)s, '{}'::bigint[], ARRAY[%(snapshot)s::bigint] FROM unnest(%(stood)s::bigint[]) AS id
ON CONFLICT (merge_id, label) DO UPDATE
SET moved = members_mergedrows.moved || excluded.moved, kept = members_mergedrows.kept || excluded.kept
