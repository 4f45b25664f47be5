-- Put members on the list the minute run takes its work from.
-- Writes members_touchedmember; a member already on it stays as it is, so a re-run is harmless.
-- DO UPDATE, though it changes nothing, holds a row that is there already:
-- else a tick could take it before our facts are committed.
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT DISTINCT id, %(pool_id)s FROM unnest(%(ids)s::bigint[]) AS id ORDER BY id
ON CONFLICT (member_id) DO UPDATE SET pool_id = excluded.pool_id WHERE FALSE
