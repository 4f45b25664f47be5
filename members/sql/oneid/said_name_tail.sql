-- Members by name and the last four digits of a telephone. Reads members_identity (identity_tail), members_member.
SELECT DISTINCT concat_ws('|', lower(btrim(m.name)), i.tail) AS key, m.id AS member_id
FROM members_identity AS i JOIN members_member AS m ON m.id = i.member_id
WHERE i.pool_id = %(pool)s AND i.kind = 'phone' AND i.tail <> '' AND m.merged_into IS NULL AND length(btrim(m.name)) > 1
