-- tag_members
-- Put a tag on members of its pool; the ids that did not carry it, packed into one value.
-- Reads members_member; writes members_membertag. Who carries it keeps it with its time: a re-run adds nobody.
WITH added AS (
    INSERT INTO members_membertag (member_id, tag_id, at, by_id)
    SELECT m.id, %(tag_id)s, %(as_of)s, %(by_id)s
    FROM members_member AS m
    WHERE m.id = ANY(%(ids)s::bigint[]) AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
    ORDER BY m.id
    ON CONFLICT (member_id, tag_id) DO NOTHING
    RETURNING member_id
)
SELECT string_agg(int8send(member_id), '') AS packed FROM added
