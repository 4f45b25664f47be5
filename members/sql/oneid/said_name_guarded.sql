-- Members by name and a guarded value their rows carried. Reads members_guardeduse, members_guard, members_member.
SELECT concat_ws('|', lower(btrim(m.name)), used.guard_id) AS key, m.id AS member_id
FROM members_guardeduse AS used
JOIN members_guard AS guard ON guard.id = used.guard_id AND guard.pool_id = %(pool)s
JOIN members_member AS m ON m.id = used.member_id
WHERE m.merged_into IS NULL AND length(btrim(m.name)) > 1
