-- When a member buys and when they are about: orders and events per hour of the pool's day, within a window.
-- Reads members_order and members_event by their keys, member first; writes nothing.
SELECT
    extract(HOUR FROM f.at AT TIME ZONE %(zone)s)::int AS hour,
    count(*) FILTER (WHERE f.is_order)::int AS orders,
    count(*) FILTER (WHERE NOT f.is_order)::int AS events
FROM (
    SELECT placed_at AS at, TRUE AS is_order FROM members_order
    WHERE member_id = %(member_id)s AND status = 1 AND placed_at >= %(since)s AND placed_at <= %(as_of)s
    UNION ALL
    SELECT occurred_at, FALSE FROM members_event
    WHERE member_id = %(member_id)s AND occurred_at >= %(since)s AND occurred_at <= %(as_of)s
) AS f
GROUP BY 1
