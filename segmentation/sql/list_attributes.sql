-- Keys of members' other attributes, as found in a sample of the pool: keys are few and frequent.
-- Reads members_member; writes nothing.
SELECT key AS value, count(*) AS n
FROM (
    SELECT attributes FROM members_member
    WHERE pool_id = %(pool)s AND merged_into IS NULL AND attributes <> '{}'
    LIMIT 20000
) AS latest, jsonb_object_keys(attributes) AS key
WHERE position(lower(%(q)s) IN lower(key)) > 0
GROUP BY key
ORDER BY n DESC, value
LIMIT %(limit)s
