-- Rows of a table whose text says one of some values. Reads the whole of {table}.
-- sample {table} = members_member
-- sample {text} = name
SELECT count(*) FROM {table} WHERE {text} ILIKE ANY(%(patterns)s::text [])
