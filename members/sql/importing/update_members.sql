-- Known people of one chunk about whom the file says something else. An empty cell changes nothing.
-- What they were and became goes to the run's list of changes.
-- not prepared: reads a table made by each import
WITH said AS (
    SELECT * FROM {members} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 2
),
was AS (
    SELECT m.* FROM members_member AS m JOIN said ON said.member_id = m.id ORDER BY m.id FOR UPDATE OF m
),
done AS (
    UPDATE members_member AS o
    SET
        name = coalesce(said.name, was.name),
        gender = coalesce(said.gender, was.gender),
        birthday = coalesce(said.birthday, was.birthday),
        province = coalesce(said.province, was.province),
        city = coalesce(said.city, was.city),
        status = greatest(said.status, was.status),
        joined_at = least(said.joined_at, was.joined_at),
        owner_id = nullif(coalesce(said.owner_id, was.owner_id), 0),
        store_id = nullif(coalesce(said.store_id, was.store_id), 0),
        attributes = was.attributes || coalesce(said.attributes, '{{}}'),
        sources = nullif(coalesce(was.sources, '{{}}') || jsonb_strip_nulls(jsonb_build_object(
            'name', CASE WHEN said.name IS NOT NULL THEN source.said END,
            'gender', CASE WHEN said.gender IS NOT NULL THEN source.said END,
            'birthday', CASE WHEN said.birthday IS NOT NULL THEN source.said END,
            'province', CASE WHEN said.province IS NOT NULL THEN source.said END,
            'city', CASE WHEN said.city IS NOT NULL THEN source.said END,
            'attributes', CASE WHEN said.attributes IS NOT NULL THEN source.said END
        )), '{{}}'),
        updated_at = %(as_of)s
    FROM was
    JOIN said ON said.member_id = was.id
    CROSS JOIN LATERAL (
        SELECT jsonb_build_array(coalesce(said.channel_id, %(channel)s::smallint)::text, %(as_of)s::timestamptz) AS said
    ) AS source
    WHERE o.id = was.id
    RETURNING o.id, to_jsonb(was) - 'updated_at' AS before, to_jsonb(o) - 'updated_at' AS after
)
INSERT INTO {changed} (part, member_id, before, after)
SELECT 'members', id, each.before, each.after
FROM done,
    LATERAL (
        SELECT jsonb_object_agg(b.key, b.value) AS before, jsonb_object_agg(b.key, done.after -> b.key) AS after
        FROM jsonb_each(done.before) AS b WHERE b.value IS DISTINCT FROM done.after -> b.key
    ) AS each
WHERE each.before IS NOT NULL
