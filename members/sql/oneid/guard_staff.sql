-- Telephones of the pool's staff join the list of guarded values; one that was allowed stays allowed.
-- Reads members_staffprofile; writes members_guard. A re-run finds them there. Leans on one_guard_per_value.
INSERT INTO members_guard (pool_id, kind, value_hash, value, sealed, hint, reason, note, is_allowed, met, actor_id, at)
SELECT DISTINCT ON (staff.phone_hash)
    staff.pool_id, 'phone', staff.phone_hash, '', staff.phone_sealed, staff.phone_hint, 'staff', '', FALSE, 0, %(actor)s::bigint, %(as_of)s
FROM members_staffprofile AS staff
WHERE staff.pool_id = %(pool)s AND staff.phone_hash IS NOT NULL
ON CONFLICT (pool_id, kind, value_hash) DO NOTHING
