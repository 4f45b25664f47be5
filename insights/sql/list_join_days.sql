-- Members who joined per local day of a period, days without any included, and how many there were before.
-- Reads members_member (member_joined); writes nothing.
WITH joined AS (
    SELECT
        (joined_at AT TIME ZONE %(zone)s)::date AS day,
        count(*) AS members
    FROM members_member
    WHERE pool_id = %(pool_id)s AND merged_into IS NULL AND joined_at >= %(since)s AND joined_at < %(until)s
    GROUP BY 1
),

earlier AS (
    SELECT count(*) AS members
    FROM members_member
    WHERE pool_id = %(pool_id)s AND merged_into IS NULL AND joined_at < %(since)s
)

SELECT
    calendar.day::date AS day,
    coalesce(joined.members, 0) AS joined,
    (SELECT members FROM earlier) + sum(coalesce(joined.members, 0)) OVER (ORDER BY calendar.day) AS total
FROM generate_series(
    (%(since)s::timestamptz AT TIME ZONE %(zone)s)::date,
    (%(until)s::timestamptz AT TIME ZONE %(zone)s)::date - 1,
    interval '1 day'
) AS calendar (day)
LEFT JOIN joined ON calendar.day::date = joined.day
ORDER BY calendar.day
