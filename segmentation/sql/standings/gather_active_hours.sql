-- At which hours of the pool's day members were about in a window: answers to messages, paid orders, events.
-- Reads touchpoints_delivery, members_order, members_event; a plain SELECT, kept in a table of the run.
-- Leans on delivery_pool_sent and order_paid_cov; a source that is not wanted is not read.
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT f.member_id, extract(HOUR FROM f.at AT TIME ZONE %(zone)s)::smallint AS hour, count(*)::int AS n, min(f.at) + %(window)s AS due
FROM (
    SELECT d.member_id, least(d.opened_at, d.clicked_at) AS at
    FROM touchpoints_delivery AS d
    WHERE
        %(responses)s AND d.pool_id = %(pool_id)s AND d.sent_at > %(sent_from)s
        AND least(d.opened_at, d.clicked_at) <= d.sent_at + %(late)s AND d.member_id BETWEEN {low} AND {high}
    UNION ALL
    SELECT o.member_id, o.placed_at
    FROM members_order AS o
    WHERE
        %(orders)s AND o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at > %(window_from)s AND o.placed_at <= %(as_of)s
        AND o.member_id BETWEEN {low} AND {high}
    UNION ALL
    SELECT e.member_id, e.occurred_at
    FROM members_event AS e
    WHERE
        %(events)s AND e.pool_id = %(pool_id)s AND e.occurred_at > %(window_from)s AND e.occurred_at <= %(as_of)s
        AND e.member_id BETWEEN {low} AND {high}
) AS f
WHERE f.at > %(window_from)s AND f.at <= %(as_of)s
GROUP BY f.member_id, 2
