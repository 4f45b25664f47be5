-- What members ordered in some channels and stores: last order, and count and amount within a window.
-- Reads members_order; a plain SELECT, kept in a table of the run. No channel or store given: all.
-- Leans on the key of members_order, member first.
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    max(placed_at) AS last_order_at,
    (count(*) FILTER (WHERE placed_at > %(window_from)s))::int AS window_count,
    coalesce(sum(net_amount) FILTER (WHERE placed_at > %(window_from)s), 0)::bigint AS window_amount,
    min(placed_at) FILTER (WHERE placed_at > %(window_from)s) + %(window)s AS window_due
FROM members_order
WHERE
    pool_id = %(pool_id)s AND status = 1 AND placed_at <= %(as_of)s AND {mine}
    AND (cardinality(%(channels)s::bigint[]) = 0 OR channel_id = ANY(%(channels)s::bigint[]))
    AND (cardinality(%(stores)s::text[]) = 0 OR store = ANY(%(stores)s::text[]))
GROUP BY member_id
