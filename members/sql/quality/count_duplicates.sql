-- Members who share name and birthday with another member of the pool, per source.
-- Reads members_member; writes nothing.
SELECT
    twin.source,
    count(*) AS members
FROM (
    SELECT
        coalesce(channel_id, -1) AS source,
        count(*) OVER (PARTITION BY name, birthday) AS alike
    FROM members_member
    WHERE pool_id = %(pool)s AND merged_into IS NULL AND name <> '' AND birthday IS NOT NULL
) AS twin
WHERE twin.alike > 1
GROUP BY twin.source
