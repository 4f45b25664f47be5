-- New people of one chunk. The chunk's watermark is committed with them, so none is inserted twice.
-- not prepared: reads tables made by each import
INSERT INTO members_member (
    id, pool_id, status, name, gender, birthday, province, city, attributes, channel_id, joined_at, is_demo, updated_at,
    owner_id, store_id
)
SELECT
    member_id, %(pool)s, status, coalesce(name, ''), coalesce(gender, 0), birthday, coalesce(province, ''), coalesce(city, ''),
    coalesce(attributes, '{{}}'), coalesce(channel_id, %(channel)s), coalesce(joined_at, %(as_of)s), %(demo)s, %(as_of)s,
    nullif(owner_id, 0), nullif(store_id, 0)
FROM {members}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 0
