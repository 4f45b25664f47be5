-- Members with a value, per key of their own attributes, declared or not.
-- Reads members_member; writes nothing.
SELECT
    filled.key,
    count(*) AS members
FROM members_member AS m
CROSS JOIN LATERAL jsonb_object_keys(m.attributes) AS filled (key)
WHERE m.pool_id = %(pool)s AND m.merged_into IS NULL AND m.attributes <> '{}'
GROUP BY filled.key
ORDER BY members DESC, filled.key
