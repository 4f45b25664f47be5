-- The members behind one figure of a run: an arm, a layer, and what became of them.
-- Same meaning as count_funnel.sql. Reads campaigns_participant, touchpoints_delivery, members_order.
SELECT p.member_id
FROM campaigns_participant AS p
LEFT JOIN touchpoints_delivery AS d ON d.member_id = p.member_id AND d.step_id = ANY(%(steps)s)
WHERE
    p.run_id = %(run)s
    AND (%(arm)s::int IS NULL OR p.arm = %(arm)s)
    AND (%(layer)s::bigint IS NULL OR p.layer_id = %(layer)s)
    AND (%(reason)s::text IS NULL OR d.reason = %(reason)s)
    AND CASE %(what)s
        WHEN 'entered' THEN TRUE
        WHEN 'sent' THEN coalesce(d.sent_at, d.delivered_at, d.opened_at, d.clicked_at) IS NOT NULL
        WHEN 'delivered' THEN coalesce(d.delivered_at, d.opened_at, d.clicked_at) IS NOT NULL
        WHEN 'opened' THEN coalesce(d.opened_at, d.clicked_at) IS NOT NULL
        WHEN 'clicked' THEN d.clicked_at IS NOT NULL
        WHEN 'failed' THEN d.status = 90
        WHEN 'suppressed' THEN d.status = 95
        WHEN 'unknown' THEN d.status = 80
        WHEN 'cancelled' THEN d.status = 99
        WHEN 'waiting' THEN d.status IN (10, 20, 30, 35)
        WHEN 'redeemed' THEN p.redeemed_at IS NOT NULL
        WHEN 'ordered' THEN EXISTS (
            SELECT 1 FROM members_order AS o
            WHERE o.pool_id = %(pool)s AND o.member_id = p.member_id AND o.status = 1 AND o.net_amount > 0
                AND o.placed_at >= p.entered_at
                AND o.placed_at < least(p.entered_at + make_interval(hours => 24 * %(days)s), %(as_of)s)
        )
        ELSE FALSE
    END
GROUP BY p.member_id
