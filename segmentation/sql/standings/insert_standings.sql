-- Give members a standing that have none in the scheme yet; not those who were merged or deleted since they were compared.
-- Reads {changes}, members_member; writes members_memberstanding. A re-run conflicts and does nothing.
-- Leans on the primary key.
-- sample {changes} = (SELECT *, true AS is_new FROM members_memberstanding)
INSERT INTO members_memberstanding (member_id, scheme_id, pool_id, code, value, since, due, expected_at)
SELECT c.member_id, c.scheme_id, %(pool_id)s, c.code, c.value, c.since, c.due, c.expected_at
FROM {changes} AS c
INNER JOIN members_member AS m ON m.id = c.member_id AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
WHERE c.is_new
ORDER BY c.scheme_id, c.member_id
ON CONFLICT (member_id, scheme_id) DO NOTHING
