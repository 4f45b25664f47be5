-- A member and every member that was merged into it, directly or through others.
-- Reads members_member; merged members are few, found by scanning those of the pool that were merged.
WITH RECURSIVE merged AS MATERIALIZED (
    SELECT id, merged_into FROM members_member
    WHERE pool_id = %(pool_id)s AND merged_into > 0
),
found AS (
    SELECT %(number)s::bigint AS id
    UNION
    SELECT m.id FROM merged AS m
    INNER JOIN found ON m.merged_into = found.id
)
SELECT id FROM found
ORDER BY id
