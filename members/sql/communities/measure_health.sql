-- What a pool's groups look like at an instant: people, person-days, senders, messages, joins, leaves, weeks of messages.
-- Reads stays, events by community_event_at and days by key; writes nothing. One row per group that is not dissolved.
-- `today` is the pool's day of `as_of`; seven days are today and the six before, four weeks today and the 27 before.
WITH groups AS (
    SELECT id, created_at FROM members_community
    WHERE pool_id = %(pool_id)s AND (dissolved_at IS NULL OR dissolved_at > %(as_of)s)
    AND (%(only)s::bigint IS NULL OR id = %(only)s::bigint)
),
stays AS (
    SELECT
        m.community_id,
        count(DISTINCT m.member_id) FILTER (WHERE m.left_at IS NULL OR m.left_at > %(as_of)s) AS members,
        count(*) AS ever,
        count(*) FILTER (WHERE m.is_join_known AND m.joined_at >= %(month)s) AS joins,
        count(*) FILTER (WHERE m.left_at >= %(month)s AND m.left_at <= %(as_of)s) AS leaves,
        sum(greatest(extract(EPOCH FROM least(coalesce(m.left_at, %(as_of)s), %(as_of)s) - greatest(m.joined_at, %(month)s)), 0))
        / 86400.0 AS month_days,
        sum(greatest(extract(EPOCH FROM least(coalesce(m.left_at, %(as_of)s), %(as_of)s) - greatest(m.joined_at, %(week)s)), 0))
        / 86400.0 AS week_days
    FROM members_communitymember AS m JOIN groups AS g ON g.id = m.community_id
    WHERE m.joined_at <= %(as_of)s
    GROUP BY m.community_id
),
senders AS (
    SELECT e.community_id, count(DISTINCT e.member_id) AS senders
    FROM groups AS g
    JOIN members_communityevent AS e ON e.community_id = g.id AND e.at >= %(week)s AND e.at <= %(as_of)s
    WHERE e.kind = 3 AND EXISTS (
        SELECT 1 FROM members_communitymember AS m
        WHERE m.member_id = e.member_id AND m.community_id = e.community_id
        AND m.joined_at <= %(as_of)s AND (m.left_at IS NULL OR m.left_at > %(as_of)s)
    )
    GROUP BY e.community_id
),
days AS (
    SELECT
        d.community_id,
        sum(d.messages) FILTER (WHERE d.day > %(today)s::date - 7) AS messages,
        max(d.senders) FILTER (WHERE d.is_reported AND d.day > %(today)s::date - 7) AS reported_senders,
        bool_or(d.messages > 0 OR d.is_reported) AS is_heard,
        (%(today)s::date - min(d.day) FILTER (WHERE d.messages > 0 OR d.is_reported)) / 7 AS first_week
    FROM members_communityday AS d JOIN groups AS g ON g.id = d.community_id
    WHERE d.day <= %(today)s::date
    GROUP BY d.community_id
),
weeks AS (
    SELECT w.community_id, jsonb_object_agg(w.week, w.messages) AS weeks
    FROM (
        SELECT d.community_id, (%(today)s::date - d.day) / 7 AS week, sum(d.messages) AS messages
        FROM members_communityday AS d JOIN groups AS g ON g.id = d.community_id
        WHERE d.day <= %(today)s::date AND d.day > %(today)s::date - 56
        GROUP BY d.community_id, 2
    ) AS w
    GROUP BY w.community_id
)
SELECT
    g.id,
    g.created_at,
    coalesce(s.members, 0) AS members,
    coalesce(s.ever, 0) AS ever,
    coalesce(s.joins, 0) AS joins,
    coalesce(s.leaves, 0) AS leaves,
    coalesce(s.month_days, 0)::float8 AS month_days,
    coalesce(s.week_days, 0)::float8 AS week_days,
    coalesce(n.senders, 0) AS senders,
    d.reported_senders,
    coalesce(d.messages, 0) AS messages,
    coalesce(d.is_heard, FALSE) AS is_heard,
    d.first_week,
    coalesce(w.weeks, '{}'::jsonb) AS weeks
FROM groups AS g
LEFT JOIN stays AS s ON s.community_id = g.id
LEFT JOIN senders AS n ON n.community_id = g.id
LEFT JOIN days AS d ON d.community_id = g.id
LEFT JOIN weeks AS w ON w.community_id = g.id
ORDER BY g.id
