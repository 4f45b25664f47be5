-- Orders of one chunk that read differently now: a refund, a cancellation, a correction. What they were and became goes to the run's
-- list of changes. A re-run finds them as they are to be and changes nothing.
-- Leans on the primary key of members_order (member first); lock_orders holds the rows.
-- not prepared: reads a table made by each import
WITH done AS (
    UPDATE members_order AS o
    SET
        status = said.new_status, placed_at = said.new_placed_at, amount = said.new_amount, discount = said.new_discount,
        shipping = said.new_shipping, refunded = said.new_refunded, store = said.new_store, status_at = said.new_status_at,
        refunded_at = said.new_refunded_at
    FROM ({combined}) AS said, members_order AS was
    WHERE o.member_id = said.member_id AND o.id = said.id AND was.member_id = said.member_id AND was.id = said.id
        AND (o.status, o.placed_at, o.amount, o.discount, o.shipping, o.refunded, o.store, o.status_at, o.refunded_at) IS DISTINCT FROM (
            said.new_status, said.new_placed_at, said.new_amount, said.new_discount, said.new_shipping, said.new_refunded,
            said.new_store, said.new_status_at, said.new_refunded_at
        )
    RETURNING o.member_id, o.id, to_jsonb(was) - 'net_amount' AS before, to_jsonb(o) - 'net_amount' AS after
)
INSERT INTO {changed} (part, member_id, id, before, after)
SELECT
    'orders', member_id, id,
    (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) AS b WHERE b.value IS DISTINCT FROM after -> b.key),
    (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) AS a WHERE a.value IS DISTINCT FROM before -> a.key)
FROM done
