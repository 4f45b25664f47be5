-- How many members came into and left each class on each day of the pool, over the whole history.
-- Reads members_statechange; writes nothing. A member's own rows say where they were before: merging may have put
-- the rows of two members together.
-- Leans on change_pool_at.
WITH steps AS (
    SELECT
        (at AT TIME ZONE %(zone)s)::date AS day,
        to_code,
        lag(to_code) OVER (PARTITION BY member_id ORDER BY at) AS from_code
    FROM members_statechange
    WHERE pool_id = %(pool_id)s AND kind = %(kind)s
)

SELECT s.day, c.code, sum(c.n) AS members
FROM steps AS s
CROSS JOIN LATERAL (VALUES (s.to_code, 1), (s.from_code, -1)) AS c (code, n)
WHERE c.code IS NOT NULL AND s.to_code IS DISTINCT FROM s.from_code
GROUP BY s.day, c.code
HAVING sum(c.n) <> 0
ORDER BY s.day, c.code
