-- Members of each source whose identity a person must decide about, and how many of them because identities contradict.
-- Reads members_review (review_pool_status) and members_member; writes nothing.
SELECT
    coalesce(m.channel_id, -1) AS source,
    count(DISTINCT m.id) AS open,
    count(DISTINCT m.id) FILTER (WHERE r.reason = 'conflict') AS conflict
FROM members_review AS r
INNER JOIN members_member AS m ON m.id IN (r.one_id, r.two_id)
WHERE r.pool_id = %(pool)s AND r.status = 'open' AND m.pool_id = %(pool)s AND m.merged_into IS NULL
GROUP BY coalesce(m.channel_id, -1)
