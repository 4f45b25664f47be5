-- Members of a run by arm and layer: sent → delivered → opened → clicked → ordered, and what was in the way.
-- A later step implies the earlier ones: whoever clicked has opened. Ordered: a paid order inside the window.
-- Reads campaigns_participant, touchpoints_delivery, members_order. Leans on their member-first keys.
WITH reach AS (
    SELECT
        d.member_id,
        bool_or(coalesce(d.sent_at, d.delivered_at, d.opened_at, d.clicked_at) IS NOT NULL) AS sent,
        bool_or(coalesce(d.delivered_at, d.opened_at, d.clicked_at) IS NOT NULL) AS delivered,
        bool_or(coalesce(d.opened_at, d.clicked_at) IS NOT NULL) AS opened,
        bool_or(d.clicked_at IS NOT NULL) AS clicked,
        bool_or(d.status = 90) AS failed,
        bool_or(d.status = 95) AS suppressed,
        bool_or(d.status = 80) AS unknown,
        bool_or(d.status IN (10, 20, 30, 35)) AS waiting
    FROM touchpoints_delivery AS d
    WHERE d.step_id = ANY(%(steps)s)
    GROUP BY d.member_id
)

SELECT
    p.arm,
    p.layer_id,
    count(*) AS members,
    count(*) FILTER (WHERE r.sent) AS sent,
    count(*) FILTER (WHERE r.delivered) AS delivered,
    count(*) FILTER (WHERE r.opened) AS opened,
    count(*) FILTER (WHERE r.clicked) AS clicked,
    count(*) FILTER (WHERE r.failed) AS failed,
    count(*) FILTER (WHERE r.suppressed) AS suppressed,
    count(*) FILTER (WHERE r.unknown) AS unknown,
    count(*) FILTER (WHERE r.waiting) AS waiting,
    count(p.redeemed_at) AS redeemed,
    count(*) FILTER (WHERE EXISTS (
        SELECT 1 FROM members_order AS o
        WHERE o.pool_id = %(pool)s AND o.member_id = p.member_id AND o.status = 1 AND o.net_amount > 0
            AND o.placed_at >= p.entered_at
            AND o.placed_at < least(p.entered_at + make_interval(hours => 24 * %(days)s), %(as_of)s)
    )) AS ordered
FROM campaigns_participant AS p
LEFT JOIN reach AS r ON r.member_id = p.member_id
WHERE p.run_id = %(run)s
GROUP BY p.arm, p.layer_id
ORDER BY p.arm, p.layer_id
