-- Put sealed values in place of those in the clear. Writes {table}; what somebody changed meanwhile stays as it is.
-- sample {table} = members_identity
UPDATE {table} AS t SET sealed = g.sealed, hint = g.hint, value = ''
FROM unnest(%(marks)s::tid [], %(before)s::text [], %(sealed)s::bytea [], %(hints)s::text []) AS g (mark, before, sealed, hint)
WHERE t.ctid = g.mark AND t.value = g.before
