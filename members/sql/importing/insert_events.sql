-- New events of one chunk; one that arrived by another way meanwhile stays as it is.
-- not prepared: reads tables made by each import
INSERT INTO members_event (member_id, occurred_at, id, pool_id, channel_id, kind, properties)
SELECT member_id, occurred_at, id, %(pool)s, channel_id, kind, coalesce(attributes, '{{}}')
FROM {ready}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 0
ON CONFLICT DO NOTHING
