-- Empty the columns of a kept fact that could tell whose it is. Writes {table}; a re-run changes nothing more.
-- Leans on the member-first key of the table.
-- sample {table} = members_order
-- sample {member} = member_id
-- sample {sets} = number = ''
UPDATE {table} SET {sets} WHERE {member} = ANY(%(ids)s::bigint [])
