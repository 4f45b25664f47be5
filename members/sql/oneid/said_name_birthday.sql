-- Members by name and birthday. Reads members_member (member_live).
SELECT concat_ws('|', lower(btrim(m.name)), m.birthday) AS key, m.id AS member_id
FROM members_member AS m
WHERE m.pool_id = %(pool)s AND m.merged_into IS NULL AND m.birthday IS NOT NULL AND length(btrim(m.name)) > 1
