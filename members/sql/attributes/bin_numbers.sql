-- How many members have a number of one attribute in each of some equally wide ranges, from the least to the greatest.
-- Reads members_member; writes nothing.
WITH measured AS (
    SELECT (attributes ->> %(key)s)::numeric AS number
    FROM members_member
    WHERE pool_id = %(pool)s AND merged_into IS NULL AND jsonb_typeof(attributes -> %(key)s) = 'number'
),

ends AS (
    SELECT
        min(number) AS least,
        max(number) AS greatest
    FROM measured
)

SELECT
    least(width_bucket(m.number, e.least, e.greatest, %(bins)s), %(bins)s) AS bin,
    min(m.number) AS first,
    max(m.number) AS last,
    count(*) AS members
FROM measured AS m
CROSS JOIN ends AS e
WHERE e.greatest > e.least
GROUP BY 1
ORDER BY 1
