-- The same on some pages of the table. Reads {table} by place.
-- sample {table} = members_identity
SELECT
    ctid::text AS mark,
    kind,
    value
FROM {table}
WHERE ctid >= %(lo)s::tid AND ctid < %(hi)s::tid AND kind = ANY(%(kinds)s::text []) AND sealed IS NULL AND value <> ''
