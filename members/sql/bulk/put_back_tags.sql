-- put_back_tags
-- Put tags back as they were; the ids of those who got theirs, packed into one value.
-- Reads members_member, members_tag, members_taggroup; writes members_membertag. Whoever carries it again, or a rival
-- of an exclusive group, is left alone: a re-run adds nobody.
WITH was AS (
    SELECT was.member_id, was.tag_id, was.us, was.by_id
    FROM unnest(%(members)s::bigint[], %(tags)s::bigint[], %(us)s::bigint[], %(by)s::bigint[]) AS was (member_id, tag_id, us, by_id)
),
back AS (
    INSERT INTO members_membertag (member_id, tag_id, at, by_id)
    SELECT was.member_id, was.tag_id, timestamptz 'epoch' + was.us * interval '1 microsecond', nullif(was.by_id, 0)
    FROM was
    INNER JOIN members_member AS m ON m.id = was.member_id AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
    INNER JOIN members_tag AS t ON t.id = was.tag_id
    INNER JOIN members_taggroup AS g ON g.id = t.group_id
    WHERE NOT g.is_exclusive OR NOT EXISTS (
        SELECT 1 FROM members_membertag AS mine
        INNER JOIN members_tag AS rival ON rival.id = mine.tag_id AND rival.group_id = g.id
        WHERE mine.member_id = was.member_id
    )
    ORDER BY was.member_id, was.tag_id
    ON CONFLICT (member_id, tag_id) DO NOTHING
    RETURNING member_id
)
SELECT string_agg(int8send(member_id), '') AS packed FROM back
