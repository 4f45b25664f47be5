-- Identities of kinds that are to be sealed and still stand in the clear. Reads the whole of {table}.
-- sample {table} = members_identity
SELECT count(*) FROM {table} WHERE kind = ANY(%(kinds)s::text []) AND sealed IS NULL AND value <> ''
