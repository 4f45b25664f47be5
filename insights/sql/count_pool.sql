-- How a pool stands: members, leads, active ones, and who joined since some days.
-- Reads members_member and members_memberstate; writes nothing.
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE m.status = 2) AS members,
    count(*) FILTER (WHERE m.status = 1) AS leads,
    count(*) FILTER (WHERE s.stage = 1) AS active,
    count(*) FILTER (WHERE m.joined_at >= %(today)s AND m.joined_at < %(until)s) AS joined_today,
    count(*) FILTER (WHERE m.joined_at >= %(week)s AND m.joined_at < %(until)s) AS joined_7,
    count(*) FILTER (WHERE m.joined_at >= %(month)s AND m.joined_at < %(until)s) AS joined_30
FROM members_member AS m
LEFT JOIN members_memberstate AS s ON m.id = s.member_id
WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL
