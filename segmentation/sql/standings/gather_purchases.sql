-- How often members bought, and when they did so for the first, second … time.
-- Reads {orders} ({placed}: when all were, the first one first); a plain SELECT, kept in a table of the run.
-- An array beside itself says of each order which was before it: a window function would keep the workers out.
-- sample {orders} = (SELECT member_id, array_agg(placed_at) AS placed FROM members_order GROUP BY member_id)
-- sample {placed} = placed
-- sample {counted} = a.before IS NULL
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    o.member_id,
    p.purchases,
    p.reached
FROM {orders} AS o
CROSS JOIN LATERAL (
    SELECT
        count(*)::int AS purchases,
        (array_agg(a.at))[1:%(steps)s] AS reached
    FROM unnest(o.{placed}, array_prepend(NULL::timestamptz, o.{placed})) AS a (at, before)
    WHERE a.at IS NOT NULL AND ({counted})
) AS p
WHERE {mine}
