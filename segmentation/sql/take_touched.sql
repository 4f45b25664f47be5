-- Take the members that wait, those whose time has come and those who cross an edge of recency.
-- Reads members_touchedmember (and empties it), members_memberstate, members_memberstanding; writes {scope}.
-- Whom somebody is writing to right now is left for the next run.
-- One transaction with the recalculation: after a crash everybody waits again.
-- Leans on state_due, standing_due, state_last_order.
-- sample {scope} = members_touchedmember
WITH taken AS (
    DELETE FROM members_touchedmember
    WHERE member_id = ANY(ARRAY(
        SELECT w.member_id FROM members_touchedmember AS w WHERE w.pool_id = %(pool_id)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING member_id
),

found AS (
    SELECT member_id FROM taken
    UNION
    SELECT member_id FROM members_memberstate
    WHERE pool_id = %(pool_id)s AND least(stage_due, facts_due) <= %(as_of)s
    UNION
    SELECT n.member_id FROM members_memberstanding AS n
    WHERE n.pool_id = %(pool_id)s AND n.due <= %(as_of)s AND n.scheme_id = ANY(%(schemes)s::int[])
    UNION
    SELECT s.member_id
    FROM unnest(%(crossed_after)s::timestamptz[], %(crossed_until)s::timestamptz[]) AS c (after, until)
    CROSS JOIN LATERAL (
        SELECT t.member_id FROM members_memberstate AS t
        WHERE t.pool_id = %(pool_id)s AND t.last_order_at > c.after AND t.last_order_at <= c.until
    ) AS s
)

INSERT INTO {scope} (member_id)
SELECT m.id
FROM found AS f
INNER JOIN members_member AS m ON m.id = f.member_id
WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL
