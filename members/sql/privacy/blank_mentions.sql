-- Empty texts that mention a person who is erased. Reads the whole of {table} once; a re-run finds nothing.
-- sample {table} = staff_auditentry
-- sample {text} = data::text
-- sample {sets} = data = data
UPDATE {table} SET {sets} WHERE {text} ILIKE ANY(%(patterns)s::text [])
