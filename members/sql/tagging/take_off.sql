-- Take tags off members, with a line of history each; the rows that went: member, tag, microseconds since 1970, by whom
-- (0: nobody), until when (0: no end), eight bytes each, packed into one value.
-- Writes members_membertag and its history; a re-run finds none. Leans on the key (member, tag).
WITH gone AS (
    DELETE FROM members_membertag
    WHERE tag_id = ANY(%(tags)s::bigint[]) AND member_id = ANY(%(ids)s::bigint[])
    RETURNING member_id, tag_id, at, by_id, due
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
    SELECT member_id, nextval('members_tagchange_id_seq'), tag_id, 2, %(how)s, %(as_of)s, %(actor_id)s::bigint, %(ref)s::bigint
    FROM gone
)
SELECT string_agg(
    int8send(member_id) || int8send(tag_id) || int8send((extract(EPOCH FROM at) * 1000000)::bigint) || int8send(coalesce(by_id, 0))
    || int8send(coalesce((extract(EPOCH FROM due) * 1000000)::bigint, 0)), ''
) AS packed
FROM gone
