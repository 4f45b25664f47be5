-- Who joined a group in which week, and the part still there 1, 2, 4, 8 and 12 weeks on.
-- Reads members_communitymember by stay_joined; writes nothing. Null where a week's last joiner cannot have stayed that long yet.
WITH joined AS (
    SELECT
        date_trunc('week', m.joined_at AT TIME ZONE %(zone)s::text)::date AS week,
        m.joined_at,
        coalesce(m.left_at, 'infinity'::timestamptz) AS left_at
    FROM members_communitymember AS m
    WHERE m.community_id = %(community)s AND m.is_join_known AND m.joined_at <= %(as_of)s
)
SELECT
    week,
    count(*) AS joined,
    CASE WHEN max(joined_at) + interval '1 week' <= %(as_of)s
        THEN avg((left_at >= joined_at + interval '1 week')::int)::float8 END AS w1,
    CASE WHEN max(joined_at) + interval '2 weeks' <= %(as_of)s
        THEN avg((left_at >= joined_at + interval '2 weeks')::int)::float8 END AS w2,
    CASE WHEN max(joined_at) + interval '4 weeks' <= %(as_of)s
        THEN avg((left_at >= joined_at + interval '4 weeks')::int)::float8 END AS w4,
    CASE WHEN max(joined_at) + interval '8 weeks' <= %(as_of)s
        THEN avg((left_at >= joined_at + interval '8 weeks')::int)::float8 END AS w8,
    CASE WHEN max(joined_at) + interval '12 weeks' <= %(as_of)s
        THEN avg((left_at >= joined_at + interval '12 weeks')::int)::float8 END AS w12
FROM joined
GROUP BY week
ORDER BY week DESC
LIMIT 16
