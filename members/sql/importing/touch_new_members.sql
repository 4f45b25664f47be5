-- One chunk's new people wait for their first state.
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT member_id, %(pool)s FROM {members}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 0
ON CONFLICT (member_id) DO NOTHING
