-- Members of one chunk whose facts a revert took back wait for their state.
-- DO UPDATE, though it changes nothing, holds a row that is there already:
-- else a tick could take it before our facts are committed.
-- not prepared: reads a table kept by each import
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT DISTINCT said.member_id, %(pool)s::bigint
FROM {written} AS said JOIN members_member AS m ON m.id = said.member_id
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND {these}
ORDER BY said.member_id
ON CONFLICT (member_id) DO UPDATE SET pool_id = excluded.pool_id WHERE FALSE
