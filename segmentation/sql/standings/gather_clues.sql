-- When members left a clue of the scene: bought or were seen away from home, did something, bought of a category.
-- Reads members_order, members_store, members_member, members_event, members_orderline, members_product; a plain SELECT,
-- kept in a table of the run. A clue that is not asked for is not read.
-- Leans on order_placed_brin, event partitions by month, line_product_member.
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT o.member_id, o.placed_at AS at
FROM members_order AS o
INNER JOIN members_store AS s ON s.pool_id = o.pool_id AND s.code = o.store AND s.city <> ''
INNER JOIN members_member AS m ON m.id = o.member_id AND m.city <> '' AND m.city <> s.city
WHERE
    %(away_orders)s AND o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at > %(since)s AND o.placed_at <= %(as_of)s
    AND o.member_id BETWEEN {low} AND {high}
UNION ALL
SELECT e.member_id, e.occurred_at
FROM members_event AS e
INNER JOIN members_member AS m ON m.id = e.member_id AND m.city <> '' AND m.city <> e.properties ->> 'city'
WHERE
    %(away_events)s AND e.pool_id = %(pool_id)s AND e.occurred_at > %(since)s AND e.occurred_at <= %(as_of)s
    AND e.properties ->> 'city' <> '' AND e.member_id BETWEEN {low} AND {high}
UNION ALL
SELECT e.member_id, e.occurred_at
FROM members_event AS e
WHERE
    %(with_events)s AND e.pool_id = %(pool_id)s AND e.occurred_at > %(since)s AND e.occurred_at <= %(as_of)s
    AND e.kind = ANY(%(event_kinds)s::text[])
    AND (cardinality(%(words)s::text[]) = 0 OR e.properties::text LIKE ANY(%(words)s::text[]))
    AND e.member_id BETWEEN {low} AND {high}
UNION ALL
SELECT DISTINCT o.member_id, o.placed_at
FROM members_order AS o
INNER JOIN members_orderline AS l ON l.member_id = o.member_id AND l.order_id = o.id
INNER JOIN members_product AS p ON p.id = l.product_id AND p.category = ANY(%(categories)s::text[])
WHERE
    %(with_categories)s AND o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at > %(since)s AND o.placed_at <= %(as_of)s
    AND o.member_id BETWEEN {low} AND {high}
