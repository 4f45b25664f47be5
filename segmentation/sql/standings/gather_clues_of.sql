-- The same as gather_clues, for the members of a scope only.
-- Reads members_order, members_store, members_member, members_event, members_orderline, members_product; a plain SELECT,
-- kept in a temporary table. Leans on their keys, member first.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT o.member_id, o.placed_at AS at
FROM {scope} AS w
INNER JOIN members_order AS o ON o.member_id = w.member_id
INNER JOIN members_store AS s ON s.pool_id = o.pool_id AND s.code = o.store AND s.city <> ''
INNER JOIN members_member AS m ON m.id = o.member_id AND m.city <> '' AND m.city <> s.city
WHERE
    %(away_orders)s AND o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at > %(since)s AND o.placed_at <= %(as_of)s
UNION ALL
SELECT e.member_id, e.occurred_at
FROM {scope} AS w
INNER JOIN members_event AS e ON e.member_id = w.member_id
INNER JOIN members_member AS m ON m.id = e.member_id AND m.city <> '' AND m.city <> e.properties ->> 'city'
WHERE
    %(away_events)s AND e.pool_id = %(pool_id)s AND e.occurred_at > %(since)s AND e.occurred_at <= %(as_of)s
    AND e.properties ->> 'city' <> ''
UNION ALL
SELECT e.member_id, e.occurred_at
FROM {scope} AS w
INNER JOIN members_event AS e ON e.member_id = w.member_id
WHERE
    %(with_events)s AND e.pool_id = %(pool_id)s AND e.occurred_at > %(since)s AND e.occurred_at <= %(as_of)s
    AND e.kind = ANY(%(event_kinds)s::text[])
    AND (cardinality(%(words)s::text[]) = 0 OR e.properties::text LIKE ANY(%(words)s::text[]))
UNION ALL
SELECT DISTINCT o.member_id, o.placed_at
FROM {scope} AS w
INNER JOIN members_order AS o ON o.member_id = w.member_id
INNER JOIN members_orderline AS l ON l.member_id = o.member_id AND l.order_id = o.id
INNER JOIN members_product AS p ON p.id = l.product_id AND p.category = ANY(%(categories)s::text[])
WHERE
    %(with_categories)s AND o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at > %(since)s AND o.placed_at <= %(as_of)s
