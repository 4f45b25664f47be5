-- The home stores of some members of a pool (0: none): member and store, eight bytes each, in one value.
-- Reads members_member; leans on its key.
SELECT string_agg(int8send(m.id) || int8send(coalesce(m.store_id, 0)), '') AS packed
FROM members_member AS m
WHERE m.id = ANY(%(ids)s::bigint[]) AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
