-- Values that are guarded from now on stand for nobody: they leave the registry, their members are remembered.
-- Reads members_guard (the given ids); moves rows of members_identity to members_guardeduse. A re-run finds none.
WITH gone AS (
    DELETE FROM members_identity AS identity
    USING members_guard AS guard
    WHERE guard.id = ANY(%(guards)s::bigint[]) AND NOT guard.is_allowed
        AND identity.pool_id = guard.pool_id AND identity.kind = guard.kind AND identity.value_hash = guard.value_hash
    RETURNING identity.member_id, guard.id AS guard_id
)
INSERT INTO members_guardeduse (member_id, guard_id, at) SELECT member_id, guard_id, %(as_of)s FROM gone
ON CONFLICT (member_id, guard_id) DO NOTHING
