-- Whether a minute run has anything to do: somebody waits, or is due, or crosses an edge.
-- Reads members_touchedmember, members_memberstate, members_memberstanding; writes nothing.
-- Leans on state_due, standing_due, state_last_order.
SELECT
    EXISTS (SELECT FROM members_touchedmember WHERE pool_id = %(pool_id)s)
    OR EXISTS (
        SELECT FROM members_memberstate
        WHERE pool_id = %(pool_id)s AND least(stage_due, facts_due) <= %(as_of)s
    )
    OR EXISTS (
        SELECT FROM members_memberstanding
        WHERE pool_id = %(pool_id)s AND due <= %(as_of)s AND scheme_id = ANY(%(schemes)s::int[])
    )
    OR EXISTS (
        SELECT
        FROM unnest(%(crossed_after)s::timestamptz[], %(crossed_until)s::timestamptz[]) AS c (after, until)
        INNER JOIN members_memberstate AS t
            ON t.pool_id = %(pool_id)s AND t.last_order_at > c.after AND t.last_order_at <= c.until
    )
