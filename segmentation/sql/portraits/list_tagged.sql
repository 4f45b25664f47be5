-- Who carries which tag; retired tags are history. Once for all groups of a pool.
-- Reads members_membertag and members_tag; writes nothing. Leans on member_tag_tag.
SELECT
    t.member_id AS id,
    t.tag_id AS v0
FROM members_membertag AS t
INNER JOIN members_tag AS g ON g.id = t.tag_id
WHERE g.pool_id = %(pool)s AND g.retired_at IS NULL
