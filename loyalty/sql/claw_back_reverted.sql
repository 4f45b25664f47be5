-- Points of orders that an import had brought and that are gone with it, out of the account of the member they were earned by.
-- Reads the import's table of orders, members_order, loyalty_entry; writes loyalty_entry: only the difference, under a key that counts up.
-- A re-run finds nothing left to book. Leans on order_key and entry_order.
-- sample {reverted} = (SELECT 1::bigint AS member_id, 1::bigint AS id, 0::smallint AS class)
INSERT INTO loyalty_entry (member_id, seq, pool_id, kind, amount, position_after, key, order_id, rule_id, reason, at)
SELECT
    coalesce(m.merged_into, m.id),
    0,
    %(pool_id)s,
    'clawback',
    -booked.points,
    0,
    'order:' || booked.order_id || ':' || booked.times,
    booked.order_id,
    booked.rule_id,
    '',
    %(as_of)s
FROM (
    SELECT
        e.order_id,
        r.member_id,
        sum(e.amount) AS points,
        count(*) AS times,
        max(e.rule_id) AS rule_id
    FROM {reverted} AS r
    INNER JOIN loyalty_entry AS e ON r.id = e.order_id
    WHERE r.class = 0 AND NOT EXISTS (SELECT FROM members_order AS o WHERE o.id = r.id AND o.pool_id = %(pool_id)s)
    GROUP BY e.order_id, r.member_id
) AS booked
INNER JOIN members_member AS m ON booked.member_id = m.id
WHERE booked.points <> 0
ORDER BY m.id, booked.order_id
