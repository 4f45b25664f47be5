-- Give members a standing that have none in the scheme yet.
-- Reads {changes}; writes members_memberstanding. A re-run conflicts and does nothing.
-- Leans on the primary key.
-- sample {changes} = (SELECT *, true AS is_new FROM members_memberstanding) AS changed
INSERT INTO members_memberstanding (member_id, scheme_id, pool_id, code, value, since, due, expected_at)
SELECT member_id, scheme_id, %(pool_id)s, code, value, since, due, expected_at
FROM {changes}
WHERE is_new
ORDER BY scheme_id, member_id
ON CONFLICT (member_id, scheme_id) DO NOTHING
