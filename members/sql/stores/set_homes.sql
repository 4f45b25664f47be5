-- Give members of a pool a home store (null: none); whom it changed comes back.
-- Reads and writes members_member. Who has that store is left alone; a merged member leads to who they became.
WITH given AS (
    SELECT DISTINCT coalesce(m.merged_into, m.id) AS id
    FROM members_member AS m
    WHERE m.id = ANY(%(ids)s::bigint[]) AND m.pool_id = %(pool_id)s
)
UPDATE members_member AS m SET store_id = %(store)s::bigint
FROM given
WHERE m.id = given.id AND m.merged_into IS NULL AND m.store_id IS DISTINCT FROM %(store)s::bigint
RETURNING m.id AS member_id
