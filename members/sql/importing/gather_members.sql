-- What a file says about each person, one row per person, in the order of their ids.
-- Writes the run's own members table; class 0 new, 1 unchanged, 2 changed. A later line wins, an empty cell says nothing,
-- and what a more trusted source said stands (members.oneid.precedence). Owner and store 0: from now on none; -1: yet to be made.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {members} AS
SELECT
    said.*, coalesce(fresh.added, 0) AS added,
    CASE
        WHEN old.id IS NULL THEN 0
        WHEN fresh.added > 0
            OR coalesce(said.name, old.name) IS DISTINCT FROM old.name
            OR coalesce(said.gender, old.gender) IS DISTINCT FROM old.gender
            OR coalesce(said.birthday, old.birthday) IS DISTINCT FROM old.birthday
            OR coalesce(said.province, old.province) IS DISTINCT FROM old.province
            OR coalesce(said.city, old.city) IS DISTINCT FROM old.city
            OR greatest(said.status, old.status) IS DISTINCT FROM old.status
            OR least(said.joined_at, old.joined_at) IS DISTINCT FROM old.joined_at
            OR nullif(coalesce(said.owner_id, old.owner_id), 0) IS DISTINCT FROM old.owner_id
            OR nullif(coalesce(said.store_id, old.store_id), 0) IS DISTINCT FROM old.store_id
            OR NOT old.attributes @> coalesce(said.attributes, '{{}}')
            OR {raised}
            THEN 2
        ELSE 1
    END::smallint AS class
FROM ({said}) AS raw
LEFT JOIN members_member AS old ON old.id = raw.member_id
LEFT JOIN members_store AS home ON home.pool_id = %(pool)s AND home.code = raw.store
CROSS JOIN LATERAL (
    SELECT
        raw.member_id, raw.line, raw.times,
        CASE WHEN old.name <> '' AND {keeps_name} THEN NULL ELSE raw.name END AS name,
        CASE WHEN old.gender <> 0 AND {keeps_gender} THEN NULL ELSE raw.gender END AS gender,
        CASE WHEN old.birthday IS NOT NULL AND {keeps_birthday} THEN NULL ELSE raw.birthday END AS birthday,
        CASE WHEN old.province <> '' AND {keeps_province} THEN NULL ELSE raw.province END AS province,
        CASE WHEN old.city <> '' AND {keeps_city} THEN NULL ELSE raw.city END AS city,
        raw.joined_at, raw.status, raw.channel_id,
        CASE WHEN old.id IS NOT NULL AND {keeps_attributes} THEN NULL ELSE raw.attributes END AS attributes,
        raw.owner_id, CASE WHEN raw.store = '' THEN 0 WHEN raw.store IS NOT NULL THEN coalesce(home.id, -1) END AS store_id
) AS said
LEFT JOIN (SELECT person, count(*) AS added FROM {persons} WHERE known IS NULL GROUP BY person) AS fresh
    ON fresh.person = raw.member_id
ORDER BY raw.member_id
