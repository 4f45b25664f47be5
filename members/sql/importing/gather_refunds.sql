-- Refunds of a file beside what is known of them and of their orders. A refund without a number is known by its moment.
-- Writes the run's own ready table; class 0 new, 1 unchanged, 2 changed, 8 new and waiting for its order.
-- Leans on order_key (members_order.id) and one_refund_per_number.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {ready} AS
SELECT
    placed.member_id, said.*,
    CASE
        WHEN old.id IS NULL AND placed.id IS NULL THEN 8
        WHEN old.id IS NULL THEN 0
        WHEN said.amount IS DISTINCT FROM old.amount OR coalesce(said.at, old.at) IS DISTINCT FROM old.at THEN 2
        ELSE 1
    END::smallint AS class
FROM (
    SELECT
        order_key(%(pool)s, coalesce(channel_id, %(channel)s)::int, number) AS id, line,
        coalesce(refund, to_char(refunded_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), '') AS number, refunded AS amount, refunded_at AS at
    FROM {stage}
) AS said
LEFT JOIN members_refund AS old ON old.pool_id = %(pool)s AND old.order_id = said.id AND old.number = said.number
LEFT JOIN members_order AS placed ON placed.id = said.id AND placed.pool_id = %(pool)s
ORDER BY said.id, said.number, said.line
