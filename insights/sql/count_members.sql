-- Members of the pool who had joined by an instant, and how many of them are leads still.
-- Reads members_member; writes nothing.
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE status = 1) AS leads,
    count(*) FILTER (WHERE joined_at >= %(since)s) AS joined
FROM members_member
WHERE pool_id = %(pool_id)s AND merged_into IS NULL AND joined_at < %(until)s
