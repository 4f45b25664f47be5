-- One history row per change of class in the scheme; a first one comes from null, a lost one goes to null. None of those
-- who were merged or deleted since they were compared.
-- Reads {changes}, members_member; writes members_statechange. In the same transaction as the standings, so never twice;
-- a second run at the very same instant only moves the end of that instant's change.
-- sample {changes} = (SELECT *, code AS old_code FROM members_memberstanding)
INSERT INTO members_statechange (member_id, kind, at, pool_id, from_code, to_code)
SELECT c.member_id, %(base)s + c.scheme_id, %(as_of)s, %(pool_id)s, c.old_code, c.code
FROM {changes} AS c
INNER JOIN members_member AS m ON m.id = c.member_id AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
WHERE c.old_code IS DISTINCT FROM c.code
ON CONFLICT (member_id, kind, at) DO UPDATE SET to_code = excluded.to_code
