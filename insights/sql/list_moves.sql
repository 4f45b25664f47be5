-- How many members stood at which code at the start and at the end of a period (stage or RFM group).
-- Reads members_statechange (change_pool_at) and members_memberstate; writes nothing.
-- Who has no change after an instant stands there as they stand now.
WITH after_start AS (
    SELECT DISTINCT ON (member_id)
        member_id,
        from_code AS code
    FROM members_statechange
    WHERE pool_id = %(pool_id)s AND kind = %(kind)s AND at >= %(since)s
    ORDER BY member_id ASC, at ASC
),

after_end AS (
    SELECT DISTINCT ON (member_id)
        member_id,
        from_code AS code
    FROM members_statechange
    WHERE pool_id = %(pool_id)s AND kind = %(kind)s AND at >= %(until)s
    ORDER BY member_id ASC, at ASC
),

stood AS (
    SELECT
        CASE WHEN s.member_id IS NULL THEN now_code ELSE s.code END AS from_code,
        CASE WHEN e.member_id IS NULL THEN now_code ELSE e.code END AS to_code
    FROM (
        SELECT
            member_id,
            CASE %(kind)s WHEN 1 THEN stage ELSE rfm_group END AS now_code
        FROM members_memberstate
        WHERE pool_id = %(pool_id)s
    ) AS m
    LEFT JOIN after_start AS s ON m.member_id = s.member_id
    LEFT JOIN after_end AS e ON m.member_id = e.member_id
)

SELECT
    from_code,
    to_code,
    count(*) AS members
FROM stood
WHERE to_code IS NOT NULL
GROUP BY from_code, to_code
ORDER BY from_code, to_code
