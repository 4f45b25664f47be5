-- Members whose facts one chunk wrote, for the minute run.
INSERT INTO members_touchedmember (member_id, pool_id)
SELECT DISTINCT member_id, %(pool)s FROM {ready}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class IN (0, 2)
ON CONFLICT (member_id) DO NOTHING
