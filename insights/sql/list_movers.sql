-- The members behind one arrow of a flow: who stood at one code at the start and at another at the end.
-- Reads members_statechange (change_pool_at) and members_memberstate; writes nothing.
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
)

SELECT m.member_id AS id
FROM members_memberstate AS m
LEFT JOIN after_start AS s ON m.member_id = s.member_id
LEFT JOIN after_end AS e ON m.member_id = e.member_id
WHERE
    m.pool_id = %(pool_id)s
    AND CASE WHEN s.member_id IS NULL THEN CASE %(kind)s WHEN 1 THEN m.stage ELSE m.rfm_group END ELSE s.code END
    IS NOT DISTINCT FROM %(from_code)s
    AND CASE WHEN e.member_id IS NULL THEN CASE %(kind)s WHEN 1 THEN m.stage ELSE m.rfm_group END ELSE e.code END
    IS NOT DISTINCT FROM %(to_code)s
