-- A file in which people appear more than once: what each row adds, the later line first.
-- not prepared: reads tables made by each import
SELECT
    persons.person AS member_id, min(s.line) AS line, count(*) AS times,
    (array_agg(s.name ORDER BY s.line DESC) FILTER (WHERE s.name IS NOT NULL))[1] AS name,
    (array_agg(s.gender ORDER BY s.line DESC) FILTER (WHERE s.gender IS NOT NULL))[1] AS gender,
    (array_agg(s.birthday ORDER BY s.line DESC) FILTER (WHERE s.birthday IS NOT NULL))[1] AS birthday,
    (array_agg(s.province ORDER BY s.line DESC) FILTER (WHERE s.province IS NOT NULL))[1] AS province,
    (array_agg(s.city ORDER BY s.line DESC) FILTER (WHERE s.city IS NOT NULL))[1] AS city,
    min(s.joined_at) AS joined_at,
    max(coalesce(s.status, 2::smallint)) AS status,
    (array_agg(s.channel_id ORDER BY s.line) FILTER (WHERE s.channel_id IS NOT NULL))[1] AS channel_id,
    (SELECT jsonb_object_agg(pair.key, pair.value) FROM jsonb_array_elements(jsonb_agg(s.attributes ORDER BY s.line)) AS each, jsonb_each(CASE jsonb_typeof(each) WHEN 'object' THEN each ELSE '{{}}' END) AS pair) AS attributes,
    (array_agg(s.owner ORDER BY s.line DESC) FILTER (WHERE s.owner IS NOT NULL))[1] AS owner_id,
    (array_agg(s.store ORDER BY s.line DESC) FILTER (WHERE s.store IS NOT NULL))[1] AS store
FROM {stage} AS s
JOIN {persons} AS persons ON persons.hash = {first_hash}
GROUP BY persons.person
