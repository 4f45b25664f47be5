-- Put values in place of those they were made from. Writes {table}; a value somebody changed meanwhile stays as it is.
-- sample {table} = members_identity
-- sample {sealed} = sealed
UPDATE {table} AS t SET {sealed} = g.after
FROM unnest(%(marks)s::tid [], %(before)s::bytea [], %(after)s::bytea []) AS g (mark, before, after)
WHERE t.ctid = g.mark AND t.{sealed} = g.before
