-- Remove rows whose text mentions a person who is erased. Reads the whole of {table} once; a re-run finds nothing.
-- sample {table} = members_savedview
-- sample {text} = query
DELETE FROM {table} WHERE {text} ILIKE ANY(%(patterns)s::text [])
