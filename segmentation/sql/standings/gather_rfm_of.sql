-- The same as gather_rfm, for the members of a scope only.
-- Reads members_order; a plain SELECT, kept in a temporary table.
-- Leans on the key of members_order: one short scan per member.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    o.member_id,
    max(o.placed_at) AS last_order_at,
    (count(*) FILTER (WHERE o.placed_at > %(window_from)s))::int AS window_count,
    coalesce(sum(o.net_amount) FILTER (WHERE o.placed_at > %(window_from)s), 0)::bigint AS window_amount,
    min(o.placed_at) FILTER (WHERE o.placed_at > %(window_from)s) + %(window)s AS window_due
FROM {scope} AS s
INNER JOIN members_order AS o ON o.member_id = s.member_id
WHERE
    o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at <= %(as_of)s
    AND (cardinality(%(channels)s::bigint[]) = 0 OR o.channel_id = ANY(%(channels)s::bigint[]))
    AND (cardinality(%(stores)s::text[]) = 0 OR o.store = ANY(%(stores)s::text[]))
GROUP BY o.member_id
