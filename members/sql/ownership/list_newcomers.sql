-- Members without an owner above a watermark that nobody ever looked after.
-- Reads members_member by member_live and their history by key; writes nothing.
SELECT m.id
FROM members_member AS m
WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL AND m.owner_id IS NULL AND m.id > %(after)s
AND NOT EXISTS (SELECT 1 FROM members_ownerchange AS c WHERE c.member_id = m.id)
ORDER BY m.id
LIMIT %(limit)s
