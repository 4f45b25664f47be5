-- How the numbers of one attribute lie: least, quartiles, greatest and mean.
-- Reads members_member; writes nothing.
SELECT
    min(number) AS least,
    percentile_cont(0.25) WITHIN GROUP (ORDER BY number) AS quarter,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY number) AS median,
    percentile_cont(0.75) WITHIN GROUP (ORDER BY number) AS three_quarters,
    max(number) AS greatest,
    avg(number) AS mean
FROM (
    SELECT (attributes ->> %(key)s)::double precision AS number
    FROM members_member
    WHERE pool_id = %(pool)s AND merged_into IS NULL AND jsonb_typeof(attributes -> %(key)s) = 'number'
) AS measured
