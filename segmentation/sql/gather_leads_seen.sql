-- The same as gather_leads, where a pass over all events knows who was last seen when; read are those dated later.
-- Reads members_member, members_event, {events}, {facts}; a plain SELECT, kept in a table of the run.
-- Leans on the months of members_event: only those from the instant on are opened.
-- sample {facts} = members_memberstate
-- sample {events} = members_memberstate
-- sample {engaged_at} = last_order_at
SELECT
    m.id AS member_id,
    CASE WHEN e.{engaged_at} IS NOT NULL THEN 2 WHEN m.joined_at > %(new_from)s THEN 1 ELSE 3 END::smallint AS lead,
    least(
        a.occurred_at,
        CASE
            WHEN e.{engaged_at} IS NOT NULL THEN e.{engaged_at} + %(engaged_for)s
            WHEN m.joined_at > %(new_from)s THEN m.joined_at + %(new_for)s
        END
    ) AS due
FROM members_member AS m
LEFT JOIN {events} AS e ON e.member_id = m.id
LEFT JOIN (
    SELECT member_id, min(occurred_at) AS occurred_at
    FROM members_event
    WHERE
        pool_id = %(pool_id)s AND occurred_at > %(as_of)s
        AND (%(event_kinds)s::text[] = '{{}}' OR kind = ANY(%(event_kinds)s::text[]))
    GROUP BY member_id
) AS a ON a.member_id = m.id
WHERE
    m.pool_id = %(pool_id)s AND m.merged_into IS NULL
    AND NOT EXISTS (SELECT FROM {facts} AS f WHERE f.member_id = m.id)
