-- The repurchase rhythm of each category: quantiles of the mean interval between its buyers' orders with it.
-- Reads {bought} (what `sum_categories` found); writes nothing. A full run with stages by category asks it.
-- sample {bought} = (SELECT ''::text AS category, 2 AS orders, joined_at AS first_at, joined_at AS last_at FROM members_member)
SELECT
    b.category,
    count(*) AS repeat_buyers,
    percentile_disc(%(interval_quantiles)s::float8[]) WITHIN GROUP (
        ORDER BY date_part('epoch', b.last_at - b.first_at) / (b.orders - 1)
    ) AS interval_seconds
FROM {bought} AS b
WHERE b.orders > 1
GROUP BY b.category
HAVING count(*) >= %(enough)s
ORDER BY repeat_buyers DESC, b.category
LIMIT 200
