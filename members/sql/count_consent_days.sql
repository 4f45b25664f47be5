-- Grants and withdrawals of a pool per day of its calendar, days without any included.
-- Reads members_consententry and members_member.
WITH days AS (
    SELECT generate_series(
        (%(since)s::timestamptz AT TIME ZONE %(zone)s)::date, (%(as_of)s::timestamptz AT TIME ZONE %(zone)s)::date, '1 day'
    )::date AS day
),
said AS (
    SELECT
        (e.at AT TIME ZONE %(zone)s)::date AS day,
        count(*) FILTER (WHERE e.granted) AS granted,
        count(*) FILTER (WHERE NOT e.granted) AS withdrawn
    FROM members_consententry AS e
    INNER JOIN members_member AS m ON e.member_id = m.id
    WHERE m.pool_id = %(pool_id)s AND e.at >= %(since)s::timestamptz - interval '1 day' AND e.at <= %(as_of)s
    GROUP BY 1
)
SELECT
    days.day,
    coalesce(said.granted, 0) AS granted,
    coalesce(said.withdrawn, 0) AS withdrawn
FROM days
LEFT JOIN said ON days.day = said.day
ORDER BY days.day
