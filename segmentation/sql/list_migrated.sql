-- Who went from one class at an instant to another at a later one; null: nowhere.
-- Reads members_statechange; writes nothing. The latest row up to an instant is where a member stood then.
-- Leans on change_pool_at.
SELECT w.member_id AS id
FROM (
    SELECT
        member_id,
        (array_agg(to_code ORDER BY at DESC) FILTER (WHERE at <= %(since)s))[1] AS was,
        (array_agg(to_code ORDER BY at DESC))[1] AS is_now
    FROM members_statechange
    WHERE pool_id = %(pool_id)s AND kind = %(kind)s AND at <= %(until)s
    GROUP BY member_id
) AS w
INNER JOIN members_member AS m ON m.id = w.member_id AND m.merged_into IS NULL
WHERE w.was IS NOT DISTINCT FROM %(from_code)s::smallint AND w.is_now IS NOT DISTINCT FROM %(to_code)s::smallint
