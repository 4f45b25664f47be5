-- How long members stood in a class before they went to a higher one: quartiles in seconds, from the whole history.
-- Reads members_statechange; writes nothing. A first class has no beginning before it and counts from its own change.
-- Leans on change_pool_at.
SELECT
    w.was AS code,
    count(*) AS rises,
    percentile_disc(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY w.seconds) AS seconds
FROM (
    SELECT
        from_code AS was,
        to_code,
        extract(EPOCH FROM at - lag(at) OVER (PARTITION BY member_id ORDER BY at))::bigint AS seconds
    FROM members_statechange
    WHERE pool_id = %(pool_id)s AND kind = %(kind)s AND at <= %(as_of)s
) AS w
WHERE w.to_code > w.was AND w.seconds IS NOT NULL
GROUP BY w.was
