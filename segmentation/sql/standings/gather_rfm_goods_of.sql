-- The same as gather_rfm_goods, for the members of a scope only.
-- Reads members_order, members_orderline, members_product; a plain SELECT, kept in a temporary table.
-- Leans on the keys of lines and orders, member first.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    b.member_id,
    max(b.placed_at) AS last_order_at,
    (count(*) FILTER (WHERE b.placed_at > %(window_from)s))::int AS window_count,
    coalesce(sum(b.amount) FILTER (WHERE b.placed_at > %(window_from)s), 0)::bigint AS window_amount,
    min(b.placed_at) FILTER (WHERE b.placed_at > %(window_from)s) + %(window)s AS window_due
FROM (
    SELECT o.member_id, o.id, o.placed_at, sum(l.amount) AS amount
    FROM {scope} AS s
    INNER JOIN members_orderline AS l ON l.member_id = s.member_id
    INNER JOIN members_order AS o ON o.member_id = l.member_id AND o.id = l.order_id
    INNER JOIN members_product AS p ON p.id = l.product_id
    WHERE
        o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at <= %(as_of)s
        AND p.category = ANY(%(categories)s::text[])
        AND (cardinality(%(channels)s::bigint[]) = 0 OR o.channel_id = ANY(%(channels)s::bigint[]))
        AND (cardinality(%(stores)s::text[]) = 0 OR o.store = ANY(%(stores)s::text[]))
    GROUP BY o.member_id, o.id, o.placed_at
) AS b
GROUP BY b.member_id
