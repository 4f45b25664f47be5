-- The same as gather_leads, for the members of a scope only.
-- Reads members_member, members_event, {facts}; a plain SELECT, kept in a temporary table.
-- Leans on the key of members_event: one short scan per member and month of the window.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {facts} = members_memberstate
SELECT
    m.id AS member_id,
    CASE WHEN h.engaged_at IS NOT NULL THEN 2 WHEN m.joined_at > %(new_from)s THEN 1 ELSE 3 END::smallint AS lead,
    least(
        h.ahead,
        CASE
            WHEN h.engaged_at IS NOT NULL THEN h.engaged_at + %(engaged_for)s
            WHEN m.joined_at > %(new_from)s THEN m.joined_at + %(new_for)s
        END
    ) AS due
FROM {scope} AS s
INNER JOIN members_member AS m ON m.id = s.member_id
CROSS JOIN LATERAL (
    SELECT
        (array_agg(e.occurred_at ORDER BY e.occurred_at DESC) FILTER (WHERE e.occurred_at <= %(as_of)s))[
            %(engaged_events)s
        ] AS engaged_at,
        min(e.occurred_at) FILTER (WHERE e.occurred_at > %(as_of)s) AS ahead
    FROM members_event AS e
    WHERE
        e.pool_id = %(pool_id)s AND e.member_id = m.id AND e.occurred_at > %(engaged_from)s
        AND (%(event_kinds)s::text[] = '{{}}' OR e.kind = ANY(%(event_kinds)s::text[]))
) AS h
WHERE m.merged_into IS NULL AND NOT EXISTS (SELECT FROM {facts} AS f WHERE f.member_id = m.id)
