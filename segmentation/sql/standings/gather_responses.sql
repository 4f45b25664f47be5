-- What members were sent through each channel in a window and answered (opened or clicked), and channels only their
-- identities offer: one row per member and channel.
-- Reads touchpoints_delivery, touchpoints_step, members_identity; a plain SELECT, kept in a table of the run.
-- Leans on delivery_pool_sent, identity_member.
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT w.member_id, w.carrier, sum(w.sent)::int AS sent, sum(w.answered)::int AS answered, min(w.due) AS due
FROM (
    SELECT
        d.member_id,
        c.carrier,
        count(*) AS sent,
        count(*) FILTER (WHERE least(d.opened_at, d.clicked_at) <= %(as_of)s) AS answered,
        min(d.sent_at) + %(window)s AS due
    FROM touchpoints_delivery AS d
    INNER JOIN touchpoints_step AS s ON s.id = d.step_id
    INNER JOIN unnest(%(connectors)s::bigint[], %(carriers)s::smallint[]) AS c (connector_id, carrier) ON c.connector_id = s.connector_id
    WHERE
        d.pool_id = %(pool_id)s AND d.sent_at > %(window_from)s AND d.sent_at <= %(as_of)s
        AND d.member_id BETWEEN {low} AND {high}
    GROUP BY d.member_id, c.carrier
    UNION ALL
    SELECT DISTINCT i.member_id, k.carrier, 0, 0, NULL::timestamptz
    FROM members_identity AS i
    INNER JOIN unnest(%(kinds)s::text[], %(kind_carriers)s::smallint[]) AS k (kind, carrier) ON k.kind = i.kind
    WHERE i.pool_id = %(pool_id)s AND i.member_id BETWEEN {low} AND {high}
) AS w
GROUP BY w.member_id, w.carrier
