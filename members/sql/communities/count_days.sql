-- Count some days of one group anew: messages and senders from events, joins and leaves from stays.
-- Reads members_communityevent by community_event_at and stays by stay_joined, stay_left; writes members_communityday.
-- What a file reported stays reported; a re-run counts the same.
WITH days AS (
    SELECT
        day,
        day::timestamp AT TIME ZONE %(zone)s::text AS since,
        (day + 1)::timestamp AT TIME ZONE %(zone)s::text AS until
    FROM unnest(%(days)s::date[]) AS day
),
counted AS (
    SELECT
        d.day,
        coalesce(said.messages, 0) AS messages,
        coalesce(said.senders, 0) AS senders,
        (
            SELECT count(*) FROM members_communitymember AS m
            WHERE m.community_id = %(community)s AND m.is_join_known AND m.joined_at >= d.since AND m.joined_at < d.until
        ) AS joins,
        (
            SELECT count(*) FROM members_communitymember AS m
            WHERE m.community_id = %(community)s AND m.left_at >= d.since AND m.left_at < d.until
        ) AS leaves
    FROM days AS d
    CROSS JOIN LATERAL (
        SELECT count(*) AS messages, count(DISTINCT e.member_id) AS senders
        FROM members_communityevent AS e
        WHERE e.community_id = %(community)s AND e.kind = 3 AND e.at >= d.since AND e.at < d.until
    ) AS said
)
INSERT INTO members_communityday AS t (community_id, day, messages, senders, joins, leaves, is_reported)
SELECT %(community)s, day, messages, senders, joins, leaves, FALSE
FROM counted
ORDER BY day
ON CONFLICT (community_id, day) DO UPDATE SET
messages = CASE WHEN t.is_reported THEN t.messages ELSE excluded.messages END,
senders = CASE WHEN t.is_reported THEN t.senders ELSE excluded.senders END,
joins = CASE WHEN t.is_reported THEN greatest(t.joins, excluded.joins) ELSE excluded.joins END,
leaves = CASE WHEN t.is_reported THEN greatest(t.leaves, excluded.leaves) ELSE excluded.leaves END
