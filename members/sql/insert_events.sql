-- Add a batch of events. Writes members_event; who, when and the sender's id are the key, so the same event
-- sent again (in this batch or a later one) is the same row.
INSERT INTO members_event (member_id, occurred_at, id, pool_id, channel_id, kind, properties)
SELECT e.member_id, e.occurred_at, e.id, %(pool_id)s, e.channel_id, e.kind, e.properties
FROM jsonb_to_recordset(%(events)s::jsonb)
AS e (member_id bigint, occurred_at timestamptz, id bigint, channel_id smallint, kind text, properties jsonb)
ORDER BY e.member_id, e.occurred_at, e.id
ON CONFLICT (member_id, occurred_at, id) DO NOTHING
RETURNING member_id, occurred_at, id
