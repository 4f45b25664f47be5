-- One chunk's people, new or changed, wait for the minute run: standings look at cities, fields and identities, too.
-- DO UPDATE, though it changes nothing, holds a row that is there already:
-- else a tick could take it before our facts are committed.
-- not prepared: reads tables made by each import
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT member_id, %(pool)s FROM {members}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class IN (0, 2)
ORDER BY member_id
ON CONFLICT (member_id) DO UPDATE SET pool_id = excluded.pool_id WHERE FALSE
