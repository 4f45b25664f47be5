-- What a site sent since an instant: events, visitors, visitors who are members.
-- Reads members_event (its partitions since then) and members_visitorevent (visitor_event_site); writes nothing.
SELECT
    count(*)::int AS events,
    (count(DISTINCT member_id) + count(DISTINCT visitor_hash))::int AS visitors,
    count(DISTINCT member_id)::int AS known
FROM (
    SELECT member_id, NULL::bytea AS visitor_hash FROM members_event
    WHERE pool_id = %(pool_id)s AND occurred_at >= %(since)s AND properties @> jsonb_build_object('site', %(site_id)s)
    UNION ALL
    SELECT NULL, visitor_hash FROM members_visitorevent WHERE site_id = %(site_id)s AND occurred_at >= %(since)s
) AS heard
