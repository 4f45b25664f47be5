-- Put a tag on live members of its pool who carry none of its stronger rivals; the ids that did not carry it, packed.
-- Reads members_member; writes members_membertag and its history. Who carries it keeps it: a re-run adds nobody.
-- Leans on the key (member, tag).
WITH added AS (
    INSERT INTO members_membertag (member_id, tag_id, at, by_id, due)
    SELECT m.id, %(tag_id)s, %(as_of)s, %(by_id)s, %(due)s::timestamptz
    FROM members_member AS m
    WHERE m.id = ANY(%(ids)s::bigint[]) AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM members_membertag AS r WHERE r.member_id = m.id AND r.tag_id = ANY(%(stronger)s::bigint[])
    )
    ORDER BY m.id
    ON CONFLICT (member_id, tag_id) DO NOTHING
    RETURNING member_id
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
    SELECT member_id, nextval('members_tagchange_id_seq'), %(tag_id)s, 1, %(how)s, %(as_of)s, %(by_id)s, %(ref)s::bigint
    FROM added
)
SELECT string_agg(int8send(member_id), '') AS packed FROM added
