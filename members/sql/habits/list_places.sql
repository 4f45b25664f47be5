-- Where a member buys: orders and net amount per channel and store, the most frequent first.
-- Reads members_order by its key, member first; writes nothing.
SELECT o.channel_id, o.store, count(*)::int AS orders, sum(o.net_amount)::bigint AS amount, max(o.placed_at) AS last_at
FROM members_order AS o
WHERE o.member_id = %(member_id)s AND o.status = 1 AND o.placed_at >= %(since)s AND o.placed_at <= %(as_of)s
GROUP BY o.channel_id, o.store
ORDER BY orders DESC, amount DESC, o.channel_id, o.store
LIMIT 8
