-- Order lines of a file with their orders and products, in the order of the table they go to.
-- Writes the run's own ready table; class 0 new, 1 unchanged, 2 changed, 6 unknown order, 7 unknown product, 9 said before.
-- A line without a number is numbered by its place among the lines of its order in the file: the same file gives the same numbers.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {ready} AS
SELECT
    said.*,
    CASE
        WHEN row_number() OVER (PARTITION BY said.member_id, said.id, said.n ORDER BY said.line) > 1 THEN 9
        WHEN said.member_id IS NULL THEN 6
        WHEN said.product_id IS NULL THEN 7
        WHEN old.n IS NULL THEN 0
        WHEN (said.product_id, said.amount) IS DISTINCT FROM (old.product_id, old.amount)
            OR coalesce(said.quantity, old.quantity) IS DISTINCT FROM old.quantity
            OR coalesce(said.discount, old.discount) IS DISTINCT FROM old.discount
            THEN 2
        ELSE 1
    END::smallint AS class
FROM (
    SELECT
        placed.member_id, named.id, coalesce(named.n, named.place) AS n, named.line, product.id AS product_id, named.quantity, named.amount,
        named.discount
    FROM (
        SELECT s.*, {place} AS place
        FROM (
            SELECT
                order_key(%(pool)s, coalesce(channel_id, %(channel)s)::int, number) AS id, line, n, sku, quantity, discount,
                coalesce(amount, price * coalesce(quantity, 1)) AS amount
            FROM {stage}
        ) AS s
    ) AS named
    LEFT JOIN members_order AS placed ON placed.id = named.id AND placed.pool_id = %(pool)s
    LEFT JOIN members_product AS product ON product.pool_id = %(pool)s AND product.sku = named.sku
) AS said
LEFT JOIN members_orderline AS old ON old.member_id = said.member_id AND old.order_id = said.id AND old.n = said.n
ORDER BY said.member_id, said.id, said.n, said.line
