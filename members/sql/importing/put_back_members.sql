-- Members of one chunk of an import's changes get their old values back, field by field and fact by fact, where the present ones are
-- still the import's. The chunk's mark is committed with it.
-- Writes members_member, members_ownerchange where the owner goes back, and members_importleftover for what differs since.
-- not prepared: reads a table kept by each import
WITH span AS (
    SELECT member_id, before, after FROM {changed} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND part = 'members'
),
now AS (
    SELECT span.*, to_jsonb(o) AS present, o.merged_into
    FROM span JOIN members_member AS o ON o.id = span.member_id
    ORDER BY o.id FOR UPDATE OF o
),
facts AS (
    SELECT
        now.member_id,
        coalesce(jsonb_object_agg(each.key, each.value) FILTER (WHERE each.value IS NOT NULL), '{{}}') AS attributes,
        jsonb_agg(each.key ORDER BY each.key) FILTER (WHERE each.changed_since) AS fields
    FROM now CROSS JOIN LATERAL (
        SELECT
            key,
            CASE
                WHEN now.after #> ARRAY['attributes', key] IS NOT DISTINCT FROM now.before #> ARRAY['attributes', key] THEN now.present #> ARRAY['attributes', key]
                WHEN now.present #> ARRAY['attributes', key] IS NOT DISTINCT FROM now.after #> ARRAY['attributes', key] THEN now.before #> ARRAY['attributes', key]
                ELSE now.present #> ARRAY['attributes', key]
            END AS value,
            now.after #> ARRAY['attributes', key] IS DISTINCT FROM now.before #> ARRAY['attributes', key]
            AND now.present #> ARRAY['attributes', key] IS DISTINCT FROM now.after #> ARRAY['attributes', key]
            AND now.present #> ARRAY['attributes', key] IS DISTINCT FROM now.before #> ARRAY['attributes', key] AS changed_since
        FROM (
            SELECT jsonb_object_keys(now.present -> 'attributes') AS key
            UNION SELECT jsonb_object_keys(now.before -> 'attributes')
            UNION SELECT jsonb_object_keys(now.after -> 'attributes')
        ) AS keys
    ) AS each
    WHERE now.before ? 'attributes'
    GROUP BY now.member_id
),
judged AS (
    SELECT
        now.*, facts.attributes,
        coalesce((
            SELECT jsonb_agg(a.key ORDER BY a.key) FROM jsonb_each(now.after) AS a
            WHERE a.key NOT IN ('attributes', 'sources') AND now.present -> a.key IS DISTINCT FROM a.value
                AND now.present -> a.key IS DISTINCT FROM now.before -> a.key
        ), '[]') || coalesce(facts.fields, '[]') AS fields
    FROM now LEFT JOIN facts ON facts.member_id = now.member_id
),
back AS (
    UPDATE members_member AS o
    SET {sets}, attributes = coalesce(span.attributes, o.attributes), updated_at = %(as_of)s
    FROM judged AS span CROSS JOIN LATERAL jsonb_populate_record(NULL::members_member, span.before) AS b
    WHERE o.id = span.member_id AND o.merged_into IS NULL
    RETURNING o.id, (span.present ->> 'owner_id')::bigint AS had, o.owner_id AS has
),
given_back AS (
    INSERT INTO members_ownerchange (member_id, id, pool_id, from_user_id, to_user_id, how, reason, at, by_id)
    SELECT id, nextval('members_ownerchange_id_seq'), %(pool)s, had, has, %(how)s::smallint, %(reason)s, %(as_of)s, %(actor)s::bigint
    FROM back WHERE had IS DISTINCT FROM has
    ORDER BY id
),
left_over AS (
    INSERT INTO members_importleftover (run_id, label, subject, name, reason, detail)
    SELECT
        %(run)s, 'members', coalesce(merged_into, member_id), left(present ->> 'name', 120),
        CASE WHEN merged_into IS NULL THEN 'changed' ELSE 'merged' END, jsonb_build_object('fields', fields)
    FROM judged WHERE merged_into IS NOT NULL OR fields <> '[]'
    RETURNING 1
)
SELECT (SELECT count(*) FROM back) AS done, (SELECT count(*) FROM left_over) AS "left"
