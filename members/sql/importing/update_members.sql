-- Known people of one chunk about whom the file says something else. An empty cell changes nothing.
UPDATE members_member AS old
SET
    name = coalesce(said.name, old.name),
    gender = coalesce(said.gender, old.gender),
    birthday = coalesce(said.birthday, old.birthday),
    province = coalesce(said.province, old.province),
    city = coalesce(said.city, old.city),
    status = greatest(said.status, old.status),
    joined_at = least(said.joined_at, old.joined_at),
    attributes = old.attributes || coalesce(said.attributes, '{{}}'),
    updated_at = %(as_of)s
FROM {members} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2 AND old.id = said.member_id
