-- How the people of a file were recognised: by channel and by the strongest identity that was known, with their ids.
-- Reads the run's own tables; `ranks` are kinds, most trusted first. Who is new has no place there.
-- not prepared: reads tables made by each import
SELECT person.channel_id, person.place, count(*) AS people, string_agg(int8send(person.person), '') AS ids
FROM (
    SELECT
        p.person, {channel} AS channel_id,
        min(array_position(%(ranks)s::text[], p.kind::text)) FILTER (WHERE p.known IS NOT NULL) AS place
    FROM {persons} AS p {stage}
    GROUP BY p.person
) AS person
GROUP BY person.channel_id, person.place
