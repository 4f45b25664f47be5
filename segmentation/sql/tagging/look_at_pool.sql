-- What a pool records, as far as ready rules ask: orders (up to fifty thousand are looked at), discounts, hours, brands.
-- Reads members_order, members_product, members_member; writes nothing. Leans on the keys of the pool.
SELECT
    count(*) AS orders,
    count(*) FILTER (WHERE o.discount > 0) AS discounted,
    count(DISTINCT date_part('hour', o.placed_at AT TIME ZONE %(zone)s)) AS hours,
    count(DISTINCT date_part('isodow', o.placed_at AT TIME ZONE %(zone)s)) AS weekdays,
    coalesce(date_part('day', max(o.placed_at) - min(o.placed_at)), 0) AS days,
    (SELECT count(DISTINCT p.brand) FROM members_product AS p WHERE p.pool_id = %(pool_id)s AND p.brand <> '') AS brands,
    (
        SELECT count(*) FROM (
            SELECT 1 FROM members_member AS m
            WHERE m.pool_id = %(pool_id)s AND m.birthday IS NOT NULL AND m.merged_into IS NULL
            LIMIT 100
        ) AS found
    ) AS birthdays
FROM (
    SELECT placed_at, discount FROM members_order
    WHERE pool_id = %(pool_id)s AND status = 1
    LIMIT 50000
) AS o
