-- Take tags off whose time is over, the earliest first, at most so many; per tag how many went.
-- Writes members_membertag and its history; reads members_tag. A re-run finds the next ones; who is held elsewhere waits.
-- Leans on member_tag_due.
WITH late AS (
    SELECT member_id, tag_id FROM members_membertag
    WHERE due <= %(as_of)s
    ORDER BY due
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM members_membertag AS t USING late
    WHERE t.member_id = late.member_id AND t.tag_id = late.tag_id
    RETURNING t.member_id, t.tag_id
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at)
    SELECT member_id, nextval('members_tagchange_id_seq'), tag_id, 2, 6, %(as_of)s FROM gone
)
SELECT t.pool_id, gone.tag_id, count(*) AS n
FROM gone INNER JOIN members_tag AS t ON t.id = gone.tag_id
GROUP BY t.pool_id, gone.tag_id
