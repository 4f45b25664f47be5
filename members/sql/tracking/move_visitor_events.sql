-- Events of visitors whom somebody knows by now become the member's.
-- Reads members_identity (its key), writes members_event, empties members_visitorevent; rows are held against a second
-- run at once, and an event that is there already stays. The member is held, so that it is not merged away meanwhile.
WITH known AS (
    SELECT i.value_hash, i.member_id FROM members_identity AS i
    JOIN members_member AS m ON m.id = i.member_id
    WHERE
        i.pool_id = %(pool_id)s AND i.kind = 'visitor_id'
        AND (%(visitor)s::bytea IS NULL OR i.value_hash = %(visitor)s)
        AND EXISTS (SELECT FROM members_visitorevent AS v WHERE v.pool_id = i.pool_id AND v.visitor_hash = i.value_hash)
    FOR KEY SHARE OF m
),
gone AS (
    DELETE FROM members_visitorevent AS v USING known
    WHERE v.pool_id = %(pool_id)s AND v.visitor_hash = known.value_hash
    RETURNING known.member_id, v.occurred_at, v.id, v.channel_id, v.kind, v.properties
),
put AS (
    INSERT INTO members_event (member_id, occurred_at, id, pool_id, channel_id, kind, properties)
    SELECT member_id, occurred_at, id, %(pool_id)s, channel_id, kind, properties FROM gone
    ORDER BY member_id, occurred_at, id
    ON CONFLICT (member_id, occurred_at, id) DO NOTHING
)
SELECT member_id, count(*)::int AS n FROM gone GROUP BY member_id
