-- Messages that left in a span, by who looks after their members.
-- Reads touchpoints_delivery by delivery_pool_sent and members_member by key; writes nothing.
SELECT m.owner_id, count(*) AS touches
FROM touchpoints_delivery AS d JOIN members_member AS m ON m.id = d.member_id
WHERE d.pool_id = %(pool_id)s AND d.sent_at >= %(since)s AND d.sent_at < %(as_of)s AND m.owner_id IS NOT NULL
GROUP BY m.owner_id
