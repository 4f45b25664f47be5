-- A person who is erased stays as a number: no name, no place, nobody to lead to. Writes members_member.
-- A re-run changes nothing more. Leans on the primary key.
UPDATE members_member
SET
    name = '',
    gender = 0,
    birthday = NULL,
    province = '',
    city = '',
    attributes = '{}',
    owner_id = NULL,
    store_id = NULL,
    sources = NULL,
    joined_at = date_trunc('month', joined_at),
    merged_into = %(erased)s
WHERE id = ANY(%(ids)s::bigint [])
