-- The orders a file names, with their keys and members, and what separate refunds say of them already.
-- Reads the run's own tables and members_refund; part of judge_orders, writes nothing.
-- not prepared: reads a staging table made by each import
SELECT
    each.member_id, each.id, each.line, each.channel_id, each.number, each.placed_at, each.amount,
    CASE WHEN coalesce(each.status, 1) <> 4 AND each.amount > 0 AND each.refunded >= each.amount THEN 2 ELSE each.status END::smallint AS status,
    each.discount, each.shipping, each.refunded, each.store, each.status_at, each.refunded_at
FROM (
    SELECT
        s.person AS member_id, s.id, s.line, s.channel_id, s.number, s.placed_at, s.amount, s.status, s.discount, s.shipping, s.store,
        CASE
            WHEN s.status = 2 AND s.refunded IS NULL THEN s.amount
            WHEN coalesce(s.refunded, waiting.refunded) IS NOT NULL THEN least(s.amount, greatest(s.refunded, waiting.refunded))
        END AS refunded,
        coalesce(s.status_at, s.refunded_at) AS status_at, greatest(s.refunded_at, waiting.refunded_at) AS refunded_at
    FROM (
        SELECT
            persons.person, order_key(%(pool)s, coalesce(s.channel_id, %(channel)s)::int, s.number) AS id, s.line,
            coalesce(s.channel_id, %(channel)s)::smallint AS channel_id, s.number, s.placed_at, s.amount, s.status, s.discount, s.shipping,
            s.refunded, s.store, s.status_at, s.refunded_at
        FROM {stage} AS s JOIN {persons} AS persons ON persons.hash = {first_hash}
    ) AS s
    LEFT JOIN (
        SELECT order_id, sum(amount)::bigint AS refunded, max(at) AS refunded_at FROM members_refund WHERE pool_id = %(pool)s GROUP BY order_id
    ) AS waiting ON waiting.order_id = s.id
) AS each
