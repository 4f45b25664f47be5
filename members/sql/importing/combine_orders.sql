-- What becomes of an order when a row says something of it. Rows may come in any order: the higher status, then the later one, has
-- the word (pending < paid < cancelled < refunded), and a refund never shrinks. Part of judge_orders and update_orders, writes nothing.
-- Leans on order_key (members_order.id) for small files, a hash join for large ones.
-- not prepared: its rows come from a table made by each import
SELECT
    both_said.*,
    CASE WHEN base_status <> 4 AND new_amount > 0 AND new_refunded >= new_amount THEN 2 ELSE base_status END::smallint AS new_status
FROM (
    SELECT
        met.*,
        CASE WHEN wins THEN coalesce(said_status, old_status, 1) ELSE old_status END AS base_status,
        CASE WHEN wins THEN said_placed_at ELSE old_placed_at END AS new_placed_at,
        CASE WHEN wins THEN said_amount ELSE old_amount END AS new_amount,
        CASE WHEN wins THEN coalesce(said_discount, old_discount, 0) ELSE coalesce(nullif(old_discount, 0), said_discount, 0) END AS new_discount,
        CASE WHEN wins THEN coalesce(said_shipping, old_shipping, 0) ELSE coalesce(nullif(old_shipping, 0), said_shipping, 0) END AS new_shipping,
        CASE WHEN wins THEN coalesce(said_store, old_store, '') ELSE coalesce(nullif(old_store, ''), said_store, '') END AS new_store,
        least(CASE WHEN wins THEN said_amount ELSE old_amount END, greatest(said_refunded, old_refunded, 0)) AS new_refunded,
        greatest(said_status_at, old_status_at) AS new_status_at,
        greatest(said_refunded_at, old_refunded_at) AS new_refunded_at
    FROM (
        SELECT
            said.member_id, said.id, said.line, said.channel_id, said.number, said.placed_at AS said_placed_at, said.amount AS said_amount,
            said.status AS said_status, said.discount AS said_discount, said.shipping AS said_shipping, said.refunded AS said_refunded,
            said.store AS said_store, said.status_at AS said_status_at, said.refunded_at AS said_refunded_at,
            old.member_id AS holder, old.placed_at AS old_placed_at, old.amount AS old_amount, old.status AS old_status,
            old.discount AS old_discount, old.shipping AS old_shipping, old.refunded AS old_refunded, old.store AS old_store,
            old.status_at AS old_status_at, old.refunded_at AS old_refunded_at,
            old.id IS NULL OR (
                (ARRAY[1, 3, 2, 0])[coalesce(said.status, old.status)], coalesce(said.status_at, '-infinity')
            ) >= (
                (ARRAY[1, 3, 2, 0])[old.status], coalesce(old.status_at, '-infinity')
            ) AS wins
        FROM ({said}) AS said LEFT JOIN members_order AS old ON old.id = said.id AND old.pool_id = %(pool)s
    ) AS met
) AS both_said
