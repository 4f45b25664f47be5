-- Take off what one act put on, where it still stands as it was put; the ids, packed into one value.
-- Writes members_membertag and its history; a re-run finds none. Leans on the key (member, tag).
WITH gone AS (
    DELETE FROM members_membertag
    WHERE tag_id = %(tag_id)s AND member_id = ANY(%(ids)s::bigint[]) AND at = %(put_at)s AND by_id IS NOT DISTINCT FROM %(put_by)s
    RETURNING member_id
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
    SELECT member_id, nextval('members_tagchange_id_seq'), %(tag_id)s, 2, 9, %(as_of)s, %(actor_id)s::bigint, %(ref)s::bigint
    FROM gone
)
SELECT string_agg(int8send(member_id), '') AS packed FROM gone
