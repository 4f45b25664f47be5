-- Members who have one of some choices in an attribute, as its value or among its values.
-- Reads members_member; writes nothing.
SELECT count(*)
FROM members_member
WHERE
    pool_id = %(pool)s
    AND merged_into IS NULL
    AND (
        attributes ->> %(key)s = ANY(%(values)s::text [])
        OR (jsonb_typeof(attributes -> %(key)s) = 'array' AND attributes -> %(key)s ?| %(values)s::text [])
    )
