-- Changes of one scheme up to an instant: the class left in the upper and the class reached in the lower half of one number.
-- Sent row by row and put in order by numpy: how long members stood in a class before they rose.
-- Reads members_statechange; writes nothing. Leans on change_pool_at.
SELECT
    member_id AS id,
    at,
    (coalesce(from_code, 2147483647)::bigint << 32) + coalesce(to_code, 2147483647) AS v0
FROM members_statechange
WHERE pool_id = %(pool_id)s AND kind = %(kind)s AND at <= %(as_of)s
