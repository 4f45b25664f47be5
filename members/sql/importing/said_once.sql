-- A file in which nobody appears twice: its rows are the people.
-- not prepared: reads tables made by each import
SELECT
    persons.person AS member_id, s.line, 1 AS times, s.name, s.gender, s.birthday, s.province, s.city, s.joined_at,
    coalesce(s.status, 2::smallint) AS status, s.channel_id, s.attributes, s.owner AS owner_id, s.store
FROM {stage} AS s JOIN {persons} AS persons ON persons.hash = {first_hash}
