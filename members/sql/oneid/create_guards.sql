-- The guarded values a file may meet: the pool's list, and telephones of its staff.
-- Reads members_guard, members_staffprofile; writes the run's own guards table.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {guards} AS
SELECT guard.kind::text AS kind, guard.value_hash AS hash, guard.is_allowed
FROM members_guard AS guard WHERE guard.pool_id = %(pool)s
UNION
SELECT 'phone', staff.phone_hash, FALSE
FROM members_staffprofile AS staff
WHERE staff.pool_id = %(pool)s AND staff.phone_hash IS NOT NULL AND NOT EXISTS (
    SELECT FROM members_guard AS guard
    WHERE guard.pool_id = staff.pool_id AND guard.kind = 'phone' AND guard.value_hash = staff.phone_hash
)
