-- Put tags back as they were; the ids of those who got theirs, packed into one value.
-- Reads members_member, members_tag, members_taggroup; writes members_membertag and its history. Whoever carries it again,
-- or a rival of an exclusive group, is left alone, and so is a tag that is gone: a re-run adds nobody.
WITH was AS (
    SELECT was.member_id, was.tag_id, was.us, was.by_id, was.due
    FROM unnest(%(members)s::bigint[], %(tags)s::bigint[], %(us)s::bigint[], %(by)s::bigint[], %(due)s::bigint[])
    AS was (member_id, tag_id, us, by_id, due)
),
back AS (
    INSERT INTO members_membertag (member_id, tag_id, at, by_id, due)
    SELECT
        was.member_id, was.tag_id, timestamptz 'epoch' + was.us * interval '1 microsecond', nullif(was.by_id, 0),
        timestamptz 'epoch' + nullif(was.due, 0) * interval '1 microsecond'
    FROM was
    INNER JOIN members_member AS m ON m.id = was.member_id AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
    INNER JOIN members_tag AS t ON t.id = was.tag_id AND t.retired_at IS NULL
    INNER JOIN members_taggroup AS g ON g.id = t.group_id
    WHERE NOT g.is_exclusive OR NOT EXISTS (
        SELECT 1 FROM members_membertag AS mine
        INNER JOIN members_tag AS rival ON rival.id = mine.tag_id AND rival.group_id = g.id
        WHERE mine.member_id = was.member_id
    )
    ORDER BY was.member_id, was.tag_id
    ON CONFLICT (member_id, tag_id) DO NOTHING
    RETURNING member_id, tag_id
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
    SELECT member_id, nextval('members_tagchange_id_seq'), tag_id, 1, 9, %(as_of)s, %(actor_id)s::bigint, %(ref)s::bigint
    FROM back
)
SELECT string_agg(int8send(member_id), '') AS packed FROM back
