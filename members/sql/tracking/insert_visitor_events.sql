-- Keep what a visitor did whom nobody knows yet. Writes members_visitorevent; the same event again is the same row.
INSERT INTO members_visitorevent (pool_id, visitor_hash, occurred_at, id, site_id, channel_id, kind, properties)
SELECT %(pool_id)s, %(visitor)s, e.occurred_at, e.id, %(site_id)s, %(channel_id)s, e.kind, e.properties
FROM jsonb_to_recordset(%(events)s::jsonb) AS e (occurred_at timestamptz, id bigint, kind text, properties jsonb)
ON CONFLICT DO NOTHING
