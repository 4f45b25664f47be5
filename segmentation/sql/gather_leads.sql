-- At which stage before the first order everybody is who has none: engaged by late events, new by joining, else cold.
-- Reads members_member, members_event, {facts}; a plain SELECT, kept in a table of the run.
-- Leans on the months of members_event: only those of the window are opened.
-- sample {facts} = members_memberstate
WITH leads AS (
    SELECT m.id, m.joined_at
    FROM members_member AS m
    WHERE
        m.pool_id = %(pool_id)s AND m.merged_into IS NULL
        AND NOT EXISTS (SELECT FROM {facts} AS f WHERE f.member_id = m.id)
),

heard AS (
    SELECT
        l.id,
        (array_agg(e.occurred_at ORDER BY e.occurred_at DESC) FILTER (WHERE e.occurred_at <= %(as_of)s))[
            %(engaged_events)s
        ] AS engaged_at,
        min(e.occurred_at) FILTER (WHERE e.occurred_at > %(as_of)s) AS ahead
    FROM leads AS l
    INNER JOIN members_event AS e ON e.member_id = l.id
    WHERE
        e.pool_id = %(pool_id)s AND e.occurred_at > %(engaged_from)s
        AND (%(event_kinds)s::text[] = '{{}}' OR e.kind = ANY(%(event_kinds)s::text[]))
    GROUP BY l.id
)

SELECT
    l.id AS member_id,
    CASE WHEN h.engaged_at IS NOT NULL THEN 2 WHEN l.joined_at > %(new_from)s THEN 1 ELSE 3 END::smallint AS lead,
    least(
        h.ahead,
        CASE
            WHEN h.engaged_at IS NOT NULL THEN h.engaged_at + %(engaged_for)s
            WHEN l.joined_at > %(new_from)s THEN l.joined_at + %(new_for)s
        END
    ) AS due
FROM leads AS l
LEFT JOIN heard AS h ON h.id = l.id
