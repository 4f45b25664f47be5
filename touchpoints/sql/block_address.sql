-- The address a member was written to is dead: it is not used again, a newer one is.
-- Reads members_identity; writes touchpoints_block; a person's own block stays. A re-run changes nothing. Leans on its primary key.
INSERT INTO touchpoints_block (member_id, carrier, value_hash, reason, source, at)
SELECT %(member)s, %(carrier)s, i.value_hash, %(reason)s, %(source)s, %(at)s
FROM members_identity AS i WHERE i.member_id = %(member)s AND i.pool_id = %(pool)s AND i.kind = %(kind)s
ORDER BY i.seen_at DESC, i.value_hash LIMIT 1
ON CONFLICT (member_id, carrier) DO UPDATE SET value_hash = excluded.value_hash, reason = excluded.reason, source = excluded.source, at = excluded.at
WHERE touchpoints_block.value_hash IS NOT NULL
