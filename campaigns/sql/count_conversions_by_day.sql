-- Members who ordered for the first time in the window, by arm and by day since they entered (1 = first day).
-- Reads campaigns_participant, members_order. Leans on order_paid_cov.
SELECT f.arm, f.day, count(*) AS buyers
FROM (
    SELECT p.arm, 1 + floor(extract(EPOCH FROM min(o.placed_at) - p.entered_at) / 86400)::int AS day
    FROM campaigns_participant AS p
    JOIN members_order AS o
        ON
            o.pool_id = %(pool)s AND o.member_id = p.member_id AND o.status = 1 AND o.net_amount > 0
            AND o.placed_at >= p.entered_at
            AND o.placed_at < least(p.entered_at + make_interval(hours => 24 * %(days)s), %(as_of)s)
    WHERE p.run_id = %(run)s
    GROUP BY p.member_id, p.arm, p.entered_at
) AS f
GROUP BY f.arm, f.day
ORDER BY f.arm, f.day
