-- Order lines of one chunk that read differently now. What they were and became goes to the run's list of changes.
-- Leans on the primary key of members_orderline (member first).
-- not prepared: reads a table made by each import
WITH was AS (
    SELECT old.*, said.product_id AS said_product, said.quantity AS said_quantity, said.amount AS said_amount, said.discount AS said_discount
    FROM {ready} AS said
    JOIN members_orderline AS old ON old.member_id = said.member_id AND old.order_id = said.id AND old.n = said.n
    WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2
    FOR UPDATE OF old
),
done AS (
    UPDATE members_orderline AS o
    SET
        product_id = was.said_product,
        quantity = coalesce(was.said_quantity, was.quantity),
        amount = was.said_amount,
        discount = coalesce(was.said_discount, was.discount)
    FROM was
    WHERE o.member_id = was.member_id AND o.order_id = was.order_id AND o.n = was.n
    RETURNING
        o.member_id, o.order_id, o.n,
        jsonb_build_object('product_id', was.product_id, 'quantity', was.quantity, 'amount', was.amount, 'discount', was.discount) AS before,
        jsonb_build_object('product_id', o.product_id, 'quantity', o.quantity, 'amount', o.amount, 'discount', o.discount) AS after
)
INSERT INTO {changed} (part, member_id, id, n, before, after)
SELECT
    'lines', member_id, order_id, n,
    (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) AS b WHERE b.value IS DISTINCT FROM after -> b.key),
    (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) AS a WHERE a.value IS DISTINCT FROM before -> a.key)
FROM done
