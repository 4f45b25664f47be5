-- The distributions that edges of an RFM configuration are taken from: quintiles and means of its buyers.
-- Reads {known} (facts of the run, or what the configuration gathered) and {scope}; writes nothing.
-- Equal values always fall on the same side of an edge. Means are of integers, so sums are exact in any order.
-- sample {known} = members_memberstate
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    count(*) AS buyers,
    percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY k.last_order_at) AS last_order_at,
    percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY k.window_count) AS window_count,
    percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY k.window_amount) AS window_amount,
    floor(avg(date_part('epoch', k.last_order_at)::bigint))::bigint AS mean_last_order_at,
    floor(avg(k.window_count))::bigint AS mean_window_count,
    floor(avg(k.window_amount))::bigint AS mean_window_amount
FROM {known} AS k
INNER JOIN {scope} AS s ON s.member_id = k.member_id
