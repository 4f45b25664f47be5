-- Write renamed choices of one attribute into the members of a range of ids; a list keeps the order of the choices.
-- Reads and writes members_member, only rows that say an old value; a re-run finds none.
-- Leans on the primary key.
WITH renamed AS (
    SELECT
        old,
        new
    FROM unnest(%(olds)s::text [], %(news)s::text []) AS names (old, new)
)

UPDATE members_member AS m
SET attributes = jsonb_set(
    m.attributes,
    ARRAY[%(key)s::text],
    CASE
        WHEN jsonb_typeof(m.attributes -> %(key)s) = 'array' THEN (
            SELECT jsonb_agg(said.value ORDER BY array_position(%(order)s::text [], said.value))
            FROM (
                SELECT DISTINCT coalesce(r.new, one.value) AS value
                FROM jsonb_array_elements_text(m.attributes -> %(key)s) AS one (value)
                LEFT JOIN renamed AS r ON one.value = r.old
            ) AS said
        )
        ELSE (SELECT to_jsonb(r.new) FROM renamed AS r WHERE r.old = m.attributes ->> %(key)s)
    END
)
WHERE
    m.pool_id = %(pool)s
    AND m.id > %(after)s
    AND m.id <= %(upto)s
    AND (
        m.attributes ->> %(key)s = ANY(%(olds)s::text [])
        OR (jsonb_typeof(m.attributes -> %(key)s) = 'array' AND m.attributes -> %(key)s ?| %(olds)s::text [])
    )
RETURNING m.id AS member_id
