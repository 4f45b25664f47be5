-- Every store of a pool with its members, staff, and the orders of a span.
-- Reads members_store, members by member_store, profiles of staff, orders by order_placed_brin; writes nothing.
-- Each part is summed up once before they meet; the planner would sum it up again for each store.
WITH sold AS MATERIALIZED (
    SELECT o.store AS code, count(*) AS orders, sum(o.net_amount) AS sales, count(DISTINCT o.member_id) AS buyers
    FROM members_order AS o
    WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.store <> '' AND o.placed_at >= %(since)s AND o.placed_at < %(as_of)s
    GROUP BY o.store
),
homes AS MATERIALIZED (
    SELECT m.store_id, count(*) AS members
    FROM members_member AS m
    WHERE m.pool_id = %(pool_id)s AND m.store_id IS NOT NULL AND m.merged_into IS NULL
    GROUP BY m.store_id
),
people AS MATERIALIZED (
    SELECT p.store_id, count(*) AS staff
    FROM members_staffprofile AS p
    WHERE p.pool_id = %(pool_id)s AND p.is_on_duty AND p.store_id IS NOT NULL
    GROUP BY p.store_id
)
SELECT
    s.id,
    coalesce(homes.members, 0) AS members,
    coalesce(people.staff, 0) AS staff,
    coalesce(sold.orders, 0) AS orders,
    coalesce(sold.sales, 0)::bigint AS sales,
    coalesce(sold.buyers, 0) AS buyers
FROM members_store AS s
LEFT JOIN sold ON sold.code = s.code
LEFT JOIN homes ON homes.store_id = s.id
LEFT JOIN people ON people.store_id = s.id
WHERE s.pool_id = %(pool_id)s
