-- How many buyers were at each stage at an instant, and how many of them ordered no more within the horizon after it;
-- beside it the stage by fixed 30, 90, 180 days.
-- Reads {scope}, {facts}, {paces}, {ages}, {later}; writes nothing.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {facts} = members_memberstate
-- sample {paces} = (SELECT member_id, 1::bigint AS pace FROM members_memberstate)
-- sample {ages} = (SELECT 1::bigint AS pace, 720 AS silent, 1440 AS sleeping, 2160 AS lost)
-- sample {later} = (SELECT member_id FROM members_memberstate)
SELECT j.stage, j.fixed, count(*) AS members, count(*) FILTER (WHERE j.stayed_away) AS stayed_away
FROM (
    SELECT
        1 + (f.last_order_at + coalesce(g.silent * interval '1 hour', %(silent_after)s) <= %(as_of)s)::int
        + (f.last_order_at + coalesce(g.sleeping * interval '1 hour', %(sleeping_after)s) <= %(as_of)s)::int
        + (f.last_order_at + coalesce(g.lost * interval '1 hour', %(lost_after)s) <= %(as_of)s)::int AS stage,
        1 + (f.last_order_at <= %(as_of)s - interval '30 days')::int
        + (f.last_order_at <= %(as_of)s - interval '90 days')::int
        + (f.last_order_at <= %(as_of)s - interval '180 days')::int AS fixed,
        l.member_id IS NULL AS stayed_away
    FROM {facts} AS f
    INNER JOIN {scope} AS s ON s.member_id = f.member_id
    LEFT JOIN {later} AS l ON l.member_id = f.member_id
    LEFT JOIN {paces} AS c ON c.member_id = f.member_id
    LEFT JOIN {ages} AS g ON g.pace = coalesce(
        c.pace,
        (f.order_count - 1)::bigint * 65536 + (date_part('epoch', f.last_order_at - f.first_order_at)::bigint / 86400)
    )
) AS j
GROUP BY j.stage, j.fixed
