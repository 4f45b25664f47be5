-- The distributions that edges are taken from: quintiles and means of buyers, quantiles of buying intervals.
-- Reads {facts} (a table of the run, or MemberState for a preview); writes nothing. Equal values always
-- fall on the same side of an edge. Means are of integers, so their sums are exact in any order.
-- sample {facts} = (SELECT *, facts_due AS window_due FROM members_memberstate)
SELECT
    count(*) AS buyers,
    percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY last_order_at) AS last_order_at,
    percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY window_count) AS window_count,
    percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY window_amount) AS window_amount,
    floor(avg(date_part('epoch', last_order_at)::bigint))::bigint AS mean_last_order_at,
    floor(avg(window_count))::bigint AS mean_window_count,
    floor(avg(window_amount))::bigint AS mean_window_amount,
    count(*) FILTER (WHERE order_count > 1) AS repeat_buyers,
    percentile_disc(%(interval_quantiles)s::float8[]) WITHIN GROUP (
        ORDER BY date_part('epoch', last_order_at - first_order_at) / greatest(order_count - 1, 1)
    ) FILTER (WHERE order_count > 1) AS interval_seconds
FROM {facts} AS f
