-- Orders that a file names more than once, as one row each: the row that speaks for them (class 8), with what the others (class 5) add.
-- Reads the run's own ready table; part of judge_orders, writes nothing.
-- not prepared: reads a table made by each import
SELECT
    member_id, id, line, channel_id, number, placed_at, amount,
    CASE WHEN coalesce(status, 1) <> 4 AND amount > 0 AND refunded >= amount THEN 2 ELSE status END::smallint AS status,
    discount, shipping, refunded, store, status_at, refunded_at
FROM (
    SELECT
        first.member_id, first.id, first.line, first.channel_id, first.number, first.placed_at, first.amount, first.status,
        coalesce(first.discount, (array_agg(other.discount ORDER BY other.rank DESC, other.line) FILTER (WHERE other.discount IS NOT NULL))[1]) AS discount,
        coalesce(first.shipping, (array_agg(other.shipping ORDER BY other.rank DESC, other.line) FILTER (WHERE other.shipping IS NOT NULL))[1]) AS shipping,
        coalesce(first.store, (array_agg(other.store ORDER BY other.rank DESC, other.line) FILTER (WHERE other.store IS NOT NULL))[1]) AS store,
        CASE
            WHEN coalesce(first.refunded, max(other.refunded)) IS NOT NULL THEN least(first.amount, greatest(first.refunded, max(other.refunded)))
        END AS refunded,
        greatest(first.status_at, max(other.status_at)) AS status_at,
        greatest(first.refunded_at, max(other.refunded_at)) AS refunded_at
    FROM {ready} AS first
    LEFT JOIN (SELECT each.*, (ARRAY[1, 3, 2, 0])[coalesce(each.status, 1)] AS rank FROM {ready} AS each WHERE each.class = 5) AS other
        ON other.id = first.id
    WHERE first.class = 8
    GROUP BY
        first.member_id, first.id, first.line, first.channel_id, first.number, first.placed_at, first.amount, first.status,
        first.discount, first.shipping, first.store, first.refunded, first.status_at, first.refunded_at
) AS folded
