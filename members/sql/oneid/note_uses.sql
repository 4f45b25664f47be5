-- Members whose rows of this file carried a guarded value.
-- Reads the run's own tables and members_guard; writes members_guardeduse. A re-run finds them there.
-- not prepared: reads tables made by each import
INSERT INTO members_guardeduse (member_id, guard_id, at)
SELECT DISTINCT persons.person, guard.id, %(as_of)s::timestamptz
FROM {stopped} AS t
JOIN {stage} AS s ON s.line = t.line
JOIN {persons} AS persons ON persons.hash = {first_hash}
JOIN members_guard AS guard ON guard.pool_id = %(pool)s AND guard.kind = t.kind AND guard.value_hash = t.hash
WHERE persons.person > 0
ORDER BY persons.person, guard.id
ON CONFLICT (member_id, guard_id) DO NOTHING
