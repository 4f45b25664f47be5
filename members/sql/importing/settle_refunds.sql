-- Orders of one chunk's refunds take the sum of all refunds known of them, never more than was paid; in full means refunded.
-- Reads members_refund; writes members_order, only rows that change, so a re-run is harmless. Leans on order_key.
UPDATE members_order AS old
SET
    refunded = said.refunded,
    refunded_at = said.refunded_at,
    status_at = greatest(old.status_at, said.refunded_at),
    status = CASE WHEN old.status = 1 AND said.refunded >= old.amount AND old.amount > 0 THEN 2 ELSE old.status END
FROM (
    SELECT
        placed.member_id, placed.id, least(placed.amount, greatest(placed.refunded, sums.amount)) AS refunded,
        greatest(placed.refunded_at, sums.at) AS refunded_at
    FROM (
        SELECT each.order_id, sum(each.amount)::bigint AS amount, max(each.at) AS at
        FROM members_refund AS each
        WHERE each.pool_id = %(pool)s AND each.order_id IN (
            SELECT id FROM {ready} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class IN (0, 2)
        )
        GROUP BY each.order_id
    ) AS sums
    INNER JOIN members_order AS placed ON placed.id = sums.order_id AND placed.pool_id = %(pool)s
) AS said
WHERE old.member_id = said.member_id AND old.id = said.id
    AND (old.refunded, old.refunded_at) IS DISTINCT FROM (said.refunded, said.refunded_at)
