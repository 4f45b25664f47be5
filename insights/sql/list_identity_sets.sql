-- How many members have exactly which kinds of identity; a set is a number with a bit per kind.
-- Reads members_identity; writes nothing.
SELECT
    had.kinds,
    count(*) AS members
FROM (
    SELECT
        member_id,
        bit_or(1::bigint << (array_position(%(kinds)s::text [], kind) - 1)) AS kinds
    FROM members_identity
    WHERE pool_id = %(pool_id)s
    GROUP BY member_id
) AS had
GROUP BY had.kinds
ORDER BY members DESC
