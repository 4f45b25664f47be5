-- list_nameless
-- Members of a pool, a stretch of ids at a time, with the kinds of identity they have of those asked for.
-- Reads members_member and members_identity; leans on member_live and identity_member.
SELECT
    m.id,
    coalesce((SELECT array_agg(i.kind::text) FROM members_identity AS i WHERE i.member_id = m.id AND i.kind = ANY(%(kinds)s)), '{}') AS known
FROM members_member AS m
WHERE m.pool_id = %(pool_id)s AND m.id > %(after)s AND m.merged_into IS NULL
ORDER BY m.id
LIMIT %(limit)s
