-- How many values of a column are sealed with which key. Reads the whole of {table}.
-- sample {table} = members_identity
-- sample {sealed} = sealed
SELECT
    split_part(encode(substring({sealed} FROM 1 FOR 16), 'escape'), ':', 1) AS key,
    count(*) AS count
FROM {table}
WHERE {sealed} IS NOT NULL
GROUP BY 1
ORDER BY 1
