-- take_back_tag
-- Take off what one bulk act put on, where it still stands as it was put; the ids, packed into one value.
-- Writes members_membertag; a re-run finds none. Leans on the key (member, tag).
WITH gone AS (
    DELETE FROM members_membertag
    WHERE tag_id = %(tag_id)s AND member_id = ANY(%(ids)s::bigint[]) AND at = %(as_of)s AND by_id IS NOT DISTINCT FROM %(by_id)s
    RETURNING member_id
)
SELECT string_agg(int8send(member_id), '') AS packed FROM gone
