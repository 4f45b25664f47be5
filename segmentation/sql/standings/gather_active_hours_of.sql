-- The same as gather_active_hours, for the members of a scope only.
-- Reads touchpoints_delivery, members_order, members_event; a plain SELECT, kept in a temporary table.
-- Leans on their keys, member first.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT f.member_id, extract(HOUR FROM f.at AT TIME ZONE %(zone)s)::smallint AS hour, count(*)::int AS n, min(f.at) + %(window)s AS due
FROM (
    SELECT d.member_id, least(d.opened_at, d.clicked_at) AS at
    FROM {scope} AS m
    INNER JOIN touchpoints_delivery AS d ON d.member_id = m.member_id
    WHERE
        %(responses)s AND d.pool_id = %(pool_id)s AND d.sent_at > %(sent_from)s
        AND least(d.opened_at, d.clicked_at) <= d.sent_at + %(late)s
    UNION ALL
    SELECT o.member_id, o.placed_at
    FROM {scope} AS m
    INNER JOIN members_order AS o ON o.member_id = m.member_id
    WHERE %(orders)s AND o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at > %(window_from)s AND o.placed_at <= %(as_of)s
    UNION ALL
    SELECT e.member_id, e.occurred_at
    FROM {scope} AS m
    INNER JOIN members_event AS e ON e.member_id = m.member_id
    WHERE %(events)s AND e.pool_id = %(pool_id)s AND e.occurred_at > %(window_from)s AND e.occurred_at <= %(as_of)s
) AS f
WHERE f.at > %(window_from)s AND f.at <= %(as_of)s
GROUP BY f.member_id, 2
