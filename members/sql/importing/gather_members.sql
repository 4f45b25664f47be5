-- What a file says about each person, one row per person, in the order of their ids.
-- Writes the run's own members table; class 0 new, 1 unchanged, 2 changed. A later line wins, an empty cell says nothing.
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
            OR NOT old.attributes @> coalesce(said.attributes, '{{}}')
            THEN 2
        ELSE 1
    END::smallint AS class
FROM ({said}) AS said
LEFT JOIN (SELECT person, count(*) AS added FROM {persons} WHERE known IS NULL GROUP BY person) AS fresh
    ON fresh.person = said.member_id
LEFT JOIN members_member AS old ON old.id = said.member_id
ORDER BY said.member_id
