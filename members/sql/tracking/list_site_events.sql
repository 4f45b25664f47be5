-- The newest events of a site since an instant, of members and of visitors nobody knows yet.
-- Reads members_event (its partitions since then) and members_visitorevent (visitor_event_site); writes nothing.
SELECT occurred_at, kind, properties, member_id FROM (
    SELECT occurred_at, kind, properties, member_id FROM members_event
    WHERE pool_id = %(pool_id)s AND occurred_at >= %(since)s AND properties @> jsonb_build_object('site', %(site_id)s)
    UNION ALL
    SELECT occurred_at, kind, properties, NULL FROM members_visitorevent
    WHERE site_id = %(site_id)s AND occurred_at >= %(since)s
) AS heard
ORDER BY occurred_at DESC
LIMIT %(limit)s
