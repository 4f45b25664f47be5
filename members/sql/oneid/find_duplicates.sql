-- Groups of members of whom one thing is said, as pairs with the oldest of each; a group of too many says nothing.
-- Reads keys and members as the slot says them. Two who were told apart are no pair. `many` counts groups left out for their size.
-- sample {said} = SELECT 'x'::text AS key, 1::bigint AS member_id
WITH said AS MATERIALIZED ({said}),
sized AS (
    SELECT key, min(member_id) AS first_id, count(*) AS n FROM said GROUP BY key HAVING count(*) > 1
),
pairs AS (
    SELECT DISTINCT sized.first_id, said.member_id
    FROM sized JOIN said ON said.key = sized.key AND said.member_id <> sized.first_id
    WHERE sized.n <= %(most)s AND NOT EXISTS (
        SELECT FROM members_notsame AS apart
        WHERE apart.pool_id = %(pool)s AND apart.first_id = sized.first_id AND apart.second_id = said.member_id
    )
)
SELECT
    (SELECT string_agg(int8send(first_id) || int8send(member_id), '') FROM pairs) AS pairs,
    (SELECT count(*) FROM sized WHERE n > %(most)s) AS many,
    (SELECT coalesce(sum(n), 0) FROM sized WHERE n > %(most)s) AS many_members
