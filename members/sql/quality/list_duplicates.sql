-- The members who share name and birthday with another one, eight bytes each; of one source, or of all (null).
-- Reads members_member; writes nothing.
SELECT string_agg(int8send(twin.id), '') AS packed
FROM (
    SELECT
        id,
        coalesce(channel_id, -1) AS source,
        count(*) OVER (PARTITION BY name, birthday) AS alike
    FROM members_member
    WHERE pool_id = %(pool)s AND merged_into IS NULL AND name <> '' AND birthday IS NOT NULL
) AS twin
WHERE twin.alike > 1 AND (%(source)s::int IS NULL OR twin.source = %(source)s::int)
