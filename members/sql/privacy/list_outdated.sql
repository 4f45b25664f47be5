-- Values on some pages of a table that stand under another key than the current one. Reads {table} by place.
-- sample {table} = members_identity
-- sample {sealed} = sealed
-- sample {needs} = , kind
SELECT
    ctid::text AS mark,
    {sealed} AS sealed
    {needs}
FROM {table}
WHERE
    ctid >= %(lo)s::tid AND ctid < %(hi)s::tid
    AND {sealed} IS NOT NULL
    AND NOT starts_with(encode(substring({sealed} FROM 1 FOR 16), 'escape'), %(current)s)
