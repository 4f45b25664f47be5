-- People an order file tells something new about: unknown ones (leads), and new identities of known ones.
-- not prepared: reads tables made by each import
SELECT
    persons.person AS member_id, min(s.line) AS line, count(*) AS times, NULL::text AS name, NULL::smallint AS gender,
    NULL::date AS birthday, NULL::text AS province, NULL::text AS city, min(s.{moment}) AS joined_at,
    1::smallint AS status, min(s.channel_id) AS channel_id, NULL::jsonb AS attributes,
    NULL::bigint AS owner_id, NULL::text AS store
FROM {stage} AS s JOIN {persons} AS persons ON persons.hash = {first_hash}
WHERE persons.person IN (SELECT fresh.person FROM {persons} AS fresh WHERE fresh.known IS NULL)
GROUP BY persons.person
