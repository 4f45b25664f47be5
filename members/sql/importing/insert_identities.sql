-- Identities of one chunk's people.
-- An identity registered by somebody else since the file was read is left out; the caller notices by the count.
-- not prepared: reads tables made by each import
INSERT INTO members_identity (pool_id, kind, value_hash, member_id, value, sealed, hint, tail, channel_id, seen_at)
SELECT %(pool)s, kind, hash, member_id, value, sealed, hint, tail, %(channel)s, %(as_of)s
FROM {fresh}
WHERE member_id >= %(low)s AND member_id <= %(high)s
ON CONFLICT DO NOTHING
