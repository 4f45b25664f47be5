-- Orders of a file beside what is known of them: class 0 new, 1 unchanged, 2 changed, 3 belongs to another member.
-- The rows of the run's own ready table; writes nothing.
-- not prepared: its rows come from a table made by each import
SELECT
    member_id, id, line, channel_id, number, said_placed_at AS placed_at, said_amount AS amount, said_status AS status,
    said_discount AS discount, said_shipping AS shipping, said_refunded AS refunded, said_store AS store,
    said_status_at AS status_at, said_refunded_at AS refunded_at,
    CASE
        WHEN holder IS NULL THEN 0
        WHEN holder <> member_id THEN 3
        WHEN (new_status, new_placed_at, new_amount, new_discount, new_shipping, new_refunded, new_store, new_status_at, new_refunded_at)
            IS DISTINCT FROM
            (old_status, old_placed_at, old_amount, old_discount, old_shipping, old_refunded, old_store, old_status_at, old_refunded_at)
            THEN 2
        ELSE 1
    END::smallint AS class
FROM ({combined}) AS each
