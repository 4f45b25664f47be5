-- Put members on the list the minute run takes its work from.
-- Writes members_touchedmember; a member already on it stays as it is, so a re-run is harmless.
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT DISTINCT id, %(pool_id)s FROM unnest(%(ids)s::bigint[]) AS id ORDER BY id
ON CONFLICT (member_id) DO NOTHING
