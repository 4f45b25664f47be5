-- Orders of a file with their keys and members, in the order of the tables they go to.
-- Writes the run's own ready table; class 0 new, 1 unchanged, 2 changed, 3 belongs to another member.
-- Leans on order_key (members_order.id) for small files, a hash join for large ones.
CREATE UNLOGGED TABLE {ready} AS
SELECT
    said.*,
    CASE
        WHEN old.id IS NULL THEN 0
        WHEN old.member_id <> said.member_id THEN 3
        WHEN (said.placed_at, said.amount) IS DISTINCT FROM (old.placed_at, old.amount)
            OR coalesce(said.status, old.status) IS DISTINCT FROM old.status
            OR coalesce(said.discount, old.discount) IS DISTINCT FROM old.discount
            OR coalesce(said.shipping, old.shipping) IS DISTINCT FROM old.shipping
            OR coalesce(said.refunded, old.refunded) IS DISTINCT FROM old.refunded
            OR coalesce(said.store, old.store) IS DISTINCT FROM old.store
            THEN 2
        ELSE 1
    END::smallint AS class
FROM (
    SELECT
        persons.person AS member_id, order_key(%(pool)s, coalesce(s.channel_id, %(channel)s)::int, s.number) AS id, s.line,
        coalesce(s.channel_id, %(channel)s)::smallint AS channel_id, s.number, s.placed_at, s.amount, s.status, s.discount, s.shipping,
        CASE WHEN s.status = 2 THEN coalesce(s.refunded, s.amount) ELSE s.refunded END AS refunded, s.store
    FROM {stage} AS s JOIN {persons} AS persons ON persons.hash = {first_hash}
) AS said
LEFT JOIN members_order AS old ON old.id = said.id AND old.pool_id = %(pool)s
ORDER BY said.member_id, said.id, said.line
