-- Orders of one chunk's refunds take the sum of all refunds known of them, never more than was paid; in full means refunded.
-- Reads members_refund; writes members_order, only rows that change, so a re-run is harmless, and the run's list of changes.
-- Leans on order_key.
-- not prepared: reads a table made by each import
WITH said AS (
    SELECT
        placed.*, least(placed.amount, greatest(placed.refunded, sums.amount)) AS new_refunded,
        greatest(placed.refunded_at, sums.at) AS new_refunded_at
    FROM (
        SELECT each.order_id, sum(each.amount)::bigint AS amount, max(each.at) AS at
        FROM members_refund AS each
        WHERE each.pool_id = %(pool)s AND each.order_id IN (
            SELECT id FROM {ready} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class IN (0, 2)
        )
        GROUP BY each.order_id
    ) AS sums
    JOIN members_order AS placed ON placed.id = sums.order_id AND placed.pool_id = %(pool)s
    FOR UPDATE OF placed
),
done AS (
    UPDATE members_order AS o
    SET
        refunded = said.new_refunded,
        refunded_at = said.new_refunded_at,
        status = CASE WHEN o.status <> 4 AND said.new_refunded >= o.amount AND o.amount > 0 THEN 2 ELSE o.status END
    FROM said
    WHERE o.member_id = said.member_id AND o.id = said.id
        AND (o.refunded, o.refunded_at) IS DISTINCT FROM (said.new_refunded, said.new_refunded_at)
    RETURNING
        o.member_id, o.id,
        jsonb_build_object('refunded', said.refunded, 'refunded_at', said.refunded_at, 'status', said.status) AS before,
        jsonb_build_object('refunded', o.refunded, 'refunded_at', o.refunded_at, 'status', o.status) AS after
)
INSERT INTO {changed} (part, member_id, id, before, after)
SELECT
    'orders', member_id, id,
    (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) AS b WHERE b.value IS DISTINCT FROM after -> b.key),
    (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) AS a WHERE a.value IS DISTINCT FROM before -> a.key)
FROM done
