-- untag_members
-- Take tags off members; the rows that went: member, tag, microseconds since 1970, by whom (0: nobody), eight bytes each.
-- Writes members_membertag; a re-run finds none. Leans on the key (member, tag).
WITH gone AS (
    DELETE FROM members_membertag
    WHERE tag_id = ANY(%(tags)s::bigint[]) AND member_id = ANY(%(ids)s::bigint[])
    RETURNING member_id, tag_id, at, by_id
)
SELECT string_agg(
    int8send(member_id) || int8send(tag_id) || int8send((extract(EPOCH FROM at) * 1000000)::bigint) || int8send(coalesce(by_id, 0)), ''
) AS packed
FROM gone
