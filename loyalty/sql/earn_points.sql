-- Points of due members' orders by the rule in force when each was placed, less what was booked for it.
-- Reads members_order, loyalty_earningrule, loyalty_entry; takes loyalty_duemember; writes loyalty_entry.
-- A re-run finds nothing left to book: only the difference is written, under a key that counts up.
-- Leans on the order's primary key (member first) and entry_order.
WITH due AS (
    DELETE FROM loyalty_duemember
    WHERE member_id IN (
        SELECT member_id
        FROM loyalty_duemember
        WHERE pool_id = %(pool_id)s
        ORDER BY member_id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING member_id
),

earned AS (
    SELECT
        o.member_id,
        o.id,
        o.placed_at,
        rule.id AS rule_id,
        CASE WHEN o.status = 1 AND o.net_amount >= rule.least THEN o.net_amount / rule.step * rule.points ELSE 0 END AS points
    FROM due
    INNER JOIN members_order AS o ON due.member_id = o.member_id
    CROSS JOIN LATERAL (
        SELECT
            r.id,
            r.points,
            r.step,
            r.least
        FROM loyalty_earningrule AS r
        WHERE r.pool_id = %(pool_id)s AND r.starts_at <= o.placed_at
        ORDER BY r.starts_at DESC, r.n DESC
        LIMIT 1
    ) AS rule
),

booked AS (
    SELECT
        order_id,
        sum(amount) AS points,
        count(*) AS times
    FROM loyalty_entry
    WHERE order_id IN (SELECT id FROM earned)
    GROUP BY order_id
),

posted AS (
    INSERT INTO loyalty_entry (member_id, seq, pool_id, kind, amount, position_after, key, order_id, rule_id, reason, at)
    SELECT
        e.member_id,
        0,
        %(pool_id)s,
        CASE WHEN e.points > coalesce(b.points, 0) THEN 'earn' ELSE 'clawback' END,
        e.points - coalesce(b.points, 0),
        0,
        'order:' || e.id || ':' || coalesce(b.times, 0),
        e.id,
        e.rule_id,
        '',
        CASE WHEN b.times IS NULL THEN e.placed_at ELSE %(as_of)s END
    FROM earned AS e
    LEFT JOIN booked AS b ON e.id = b.order_id
    WHERE e.points <> coalesce(b.points, 0)
    ORDER BY e.member_id, e.placed_at, e.id
    RETURNING 1
)

SELECT
    (SELECT count(*) FROM due) AS members,
    (SELECT count(*) FROM posted) AS entries
