-- How many members went from which class at one instant to which at a later one; null: nowhere.
-- Reads members_statechange; writes nothing. The latest row up to an instant is where a member stood then.
-- Leans on change_pool_at.
SELECT w.was AS from_code, w.is_now AS to_code, count(*) AS members
FROM (
    SELECT
        member_id,
        (array_agg(to_code ORDER BY at DESC) FILTER (WHERE at <= %(since)s))[1] AS was,
        (array_agg(to_code ORDER BY at DESC))[1] AS is_now
    FROM members_statechange
    WHERE pool_id = %(pool_id)s AND kind = %(kind)s AND at <= %(until)s
    GROUP BY member_id
) AS w
WHERE w.was IS NOT NULL OR w.is_now IS NOT NULL
GROUP BY w.was, w.is_now
