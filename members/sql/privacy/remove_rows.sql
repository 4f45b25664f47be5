-- Remove every row of a table that belongs to a person who is erased. Writes {table}; a re-run finds none.
-- Leans on the member-first key of the table.
-- sample {table} = members_membertag
-- sample {member} = member_id
DELETE FROM {table} WHERE {member} = ANY(%(ids)s::bigint [])
