-- What was set aside of the source becomes the target's: carriers move with their time, whoever had both keeps the target's.
-- Reads members_mergedtag; writes members_membertag and its history. A re-run finds no carrier of the source.
-- Leans on member_tag_tag and the key (member, tag).
WITH gone AS (DELETE FROM members_membertag WHERE tag_id = %(source_id)s RETURNING member_id, at, by_id),
added AS (
    INSERT INTO members_membertag (member_id, tag_id, at, by_id, due)
    SELECT g.member_id, %(target_id)s, g.at, g.by_id, least(g.at + %(days)s::integer * interval '1 day', %(until)s::timestamptz)
    FROM gone AS g
    WHERE NOT EXISTS (
        SELECT 1 FROM members_membertag AS r WHERE r.member_id = g.member_id AND r.tag_id = ANY(%(rivals)s::bigint[])
    )
    ORDER BY g.member_id
    ON CONFLICT (member_id, tag_id) DO NOTHING
    RETURNING member_id
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
    SELECT c.member_id, nextval('members_tagchange_id_seq'), c.tag_id, c.what, 8, %(as_of)s, %(actor_id)s::bigint, %(merge_id)s
    FROM (
        SELECT member_id, %(source_id)s AS tag_id, 2 AS what FROM gone
        UNION ALL
        SELECT member_id, %(target_id)s AS tag_id, 1 AS what FROM added
    ) AS c
)
SELECT count(*) FROM added
