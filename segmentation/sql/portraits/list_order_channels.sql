-- Which channels members bought in.
-- Reads members_order, one scan; writes nothing.
SELECT
    member_id AS id,
    channel_id AS v0
FROM members_order
WHERE pool_id = %(pool)s AND status = 1
GROUP BY member_id, channel_id
