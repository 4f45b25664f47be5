-- Members who joined per local day of a period and channel; days without any are left out.
-- Reads members_member (member_joined); writes nothing.
SELECT
    (joined_at AT TIME ZONE %(zone)s)::date AS day,
    channel_id,
    count(*) AS members
FROM members_member
WHERE pool_id = %(pool_id)s AND merged_into IS NULL AND joined_at >= %(since)s AND joined_at < %(until)s
GROUP BY 1, 2
ORDER BY 1, 2
