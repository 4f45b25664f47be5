-- What a member spent in each of the last months of the pool's calendar, empty months included.
-- Reads members_order; leans on its key, member first.
SELECT to_char(m.month, 'YYYY-MM') AS month, COALESCE(sum(o.net_amount), 0)::bigint AS amount, count(o.id) AS orders
FROM generate_series(
    date_trunc('month', %(as_of)s AT TIME ZONE %(zone)s) - make_interval(months => %(months)s - 1),
    date_trunc('month', %(as_of)s AT TIME ZONE %(zone)s), '1 month'
) AS m (month)
LEFT JOIN members_order AS o
    ON o.member_id = %(member_id)s AND o.status = 1
    AND o.placed_at >= m.month AT TIME ZONE %(zone)s
    AND o.placed_at < (m.month + interval '1 month') AT TIME ZONE %(zone)s
GROUP BY m.month ORDER BY m.month
