-- Write values read as their field's kind into the members of a range of ids.
-- Reads and writes members_member, only rows with one of the old values; a re-run finds none. Leans on the primary key.
UPDATE members_member AS m
SET attributes = jsonb_set(m.attributes, ARRAY[%(key)s::text], read.new)
FROM unnest(%(olds)s::jsonb [], %(news)s::jsonb []) AS read (old, new)
WHERE m.pool_id = %(pool)s AND m.id > %(after)s AND m.id <= %(upto)s AND m.attributes -> %(key)s = read.old
RETURNING m.id AS member_id
