-- The same as gather_responses, for the members of a scope only.
-- Reads touchpoints_delivery, touchpoints_step, members_identity; a plain SELECT, kept in a temporary table.
-- Leans on the key of deliveries and identity_member: a few rows per member.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT w.member_id, w.carrier, sum(w.sent)::int AS sent, sum(w.answered)::int AS answered, min(w.due) AS due
FROM (
    SELECT
        d.member_id,
        c.carrier,
        1 AS sent,
        coalesce(least(d.opened_at, d.clicked_at) <= %(as_of)s, FALSE)::int AS answered,
        d.sent_at + %(window)s AS due
    FROM {scope} AS m
    INNER JOIN touchpoints_delivery AS d ON d.member_id = m.member_id
    INNER JOIN touchpoints_step AS s ON s.id = d.step_id
    INNER JOIN unnest(%(connectors)s::bigint[], %(carriers)s::smallint[]) AS c (connector_id, carrier) ON c.connector_id = s.connector_id
    WHERE d.pool_id = %(pool_id)s AND d.sent_at > %(window_from)s AND d.sent_at <= %(as_of)s
    UNION ALL
    SELECT DISTINCT i.member_id, k.carrier, 0, 0, NULL::timestamptz
    FROM {scope} AS m
    INNER JOIN members_identity AS i ON i.member_id = m.member_id
    INNER JOIN unnest(%(kinds)s::text[], %(kind_carriers)s::smallint[]) AS k (kind, carrier) ON k.kind = i.kind
    WHERE i.pool_id = %(pool_id)s
) AS w
GROUP BY w.member_id, w.carrier
