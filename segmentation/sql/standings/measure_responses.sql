-- How often the pool answers through each channel: what is expected of a member nothing is known of yet.
-- Reads {gathered}; writes nothing. Sums of integers, so exact in any order.
-- sample {gathered} = (SELECT member_id, 1::smallint AS carrier, 1 AS sent, 0 AS answered, now() AS due FROM members_memberstate)
SELECT
    coalesce(array_agg(f.carrier ORDER BY f.carrier), ARRAY[]::smallint[]) AS carriers,
    coalesce(array_agg(f.sent ORDER BY f.carrier), ARRAY[]::bigint[]) AS sent,
    coalesce(array_agg(f.answered ORDER BY f.carrier), ARRAY[]::bigint[]) AS answered
FROM (
    SELECT carrier, sum(sent)::bigint AS sent, sum(answered)::bigint AS answered
    FROM {gathered} AS g
    GROUP BY carrier
    HAVING sum(sent) > 0
) AS f
