-- Where the members of the pool came from.
-- Reads members_member; writes nothing.
SELECT
    channel_id,
    count(*) AS members,
    count(*) FILTER (WHERE joined_at >= %(since)s AND joined_at < %(until)s) AS joined
FROM members_member
WHERE pool_id = %(pool_id)s AND merged_into IS NULL
GROUP BY channel_id
ORDER BY members DESC
