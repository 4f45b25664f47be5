-- Messages of a period: sent, opened, clicked, failed; and who opted out of marketing meanwhile.
-- Reads touchpoints_delivery (delivery_pool_sent) and members_consententry; writes nothing.
SELECT
    count(*) AS sent,
    count(*) FILTER (WHERE opened_at IS NOT NULL) AS opened,
    count(*) FILTER (WHERE clicked_at IS NOT NULL) AS clicked,
    (
        SELECT count(DISTINCT c.member_id)
        FROM members_consententry AS c
        INNER JOIN members_member AS m ON c.member_id = m.id
        WHERE m.pool_id = %(pool_id)s AND NOT c.granted AND c.at >= %(since)s AND c.at < %(until)s
    ) AS opted_out
FROM touchpoints_delivery
WHERE pool_id = %(pool_id)s AND sent_at >= %(since)s AND sent_at < %(until)s
