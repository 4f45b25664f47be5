-- Give members of a pool to somebody (null: to nobody) and write each change down; whom it changed comes back.
-- Reads and writes members_member, writes members_ownerchange. Who has that owner already is left alone, so a
-- re-run is harmless; a merged member leads to who they became. With `only_from` nobody else's members move.
WITH given AS (
    SELECT DISTINCT coalesce(m.merged_into, m.id) AS id
    FROM members_member AS m
    WHERE m.id = ANY(%(ids)s::bigint[]) AND m.pool_id = %(pool_id)s
),
held AS ( -- noqa: ST03
    SELECT m.id, m.owner_id AS before
    FROM members_member AS m JOIN given ON given.id = m.id
    WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL
    AND m.owner_id IS DISTINCT FROM %(to)s::bigint
    AND (NOT %(only_from)s::boolean OR m.owner_id IS NOT DISTINCT FROM %(from)s::bigint)
    ORDER BY m.id
    FOR UPDATE OF m
),
moved AS (
    UPDATE members_member AS m SET owner_id = %(to)s::bigint
    FROM held WHERE m.id = held.id
    RETURNING m.id, held.before
)
INSERT INTO members_ownerchange (member_id, id, pool_id, from_user_id, to_user_id, how, reason, at, by_id, handover_id)
SELECT
    id, nextval('members_ownerchange_id_seq'), %(pool_id)s, before, %(to)s::bigint,
    %(how)s::smallint, %(reason)s, %(as_of)s, %(by)s::bigint, %(handover)s::bigint
FROM moved
ORDER BY id
RETURNING member_id
