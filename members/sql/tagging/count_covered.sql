-- Per group of a pool, how many members carry at least one of its tags: the groups of each member as bits, 62 at a time.
-- Reads members_tag and members_membertag, once; nobody is sorted, and workers add up their part.
WITH tags AS (
    SELECT id, group_id, (dense_rank() OVER (ORDER BY group_id) - 1)::integer AS place
    FROM members_tag
    WHERE pool_id = %(pool_id)s AND retired_at IS NULL
),
held AS (
    SELECT c.member_id, t.place / 62 AS block, bit_or(1::bigint << (t.place %% 62)) AS mask
    FROM members_membertag AS c INNER JOIN tags AS t ON t.id = c.tag_id
    GROUP BY c.member_id, t.place / 62
),
counted AS (SELECT block, mask, count(*) AS members FROM held GROUP BY block, mask)
SELECT t.group_id, sum(c.members) AS members
FROM (SELECT DISTINCT group_id, place FROM tags) AS t
INNER JOIN counted AS c ON c.block = t.place / 62 AND (c.mask >> (t.place %% 62)) & 1 = 1
GROUP BY t.group_id
