-- Scores, group and stage of every member in scope by constant edges; only the rows that differ from what is stored.
-- Reads {scope}, {facts}, {future} and members_memberstate; a plain SELECT, kept in a table of the run.
-- A value is in the higher class when it is strictly above the edge: ties stay together. The bounds are said
-- of each relation, as the planner carries only equalities over a join: each is read from low to high, once.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {facts} = (SELECT *, facts_due AS window_due FROM members_memberstate)
-- sample {future} = (SELECT member_id, placed_at FROM members_order)
-- sample {low} = 0
-- sample {high} = 4294967295
WITH known AS (
    SELECT
        s.member_id,
        coalesce(f.order_count, 0) AS order_count,
        coalesce(f.amount_total, 0) AS amount_total,
        f.first_order_at,
        f.last_order_at,
        coalesce(f.window_count, 0) AS window_count,
        coalesce(f.window_amount, 0) AS window_amount,
        least(f.window_due, u.placed_at) AS facts_due
    FROM {scope} AS s
    LEFT JOIN {facts} AS f ON f.member_id = s.member_id AND f.member_id BETWEEN {low} AND {high}
    LEFT JOIN {future} AS u ON u.member_id = s.member_id
    WHERE s.member_id BETWEEN {low} AND {high}
),

scored AS (
    SELECT
        k.*,
        CASE
            WHEN order_count > 1 THEN date_part('epoch', last_order_at - first_order_at) / 86400 / (order_count - 1)
        END AS interval_days,
        1 + (last_order_at > %(r1)s)::int + (last_order_at > %(r2)s)::int
        + (last_order_at > %(r3)s)::int + (last_order_at > %(r4)s)::int AS r,
        CASE
            WHEN order_count > 0
                THEN 1 + (window_count > %(f1)s)::int + (window_count > %(f2)s)::int
                    + (window_count > %(f3)s)::int + (window_count > %(f4)s)::int
        END AS f,
        CASE
            WHEN order_count > 0
                THEN 1 + (window_amount > %(m1)s)::int + (window_amount > %(m2)s)::int
                    + (window_amount > %(m3)s)::int + (window_amount > %(m4)s)::int
        END AS m,
        (last_order_at > %(r_split)s)::int * 4 + (window_count > %(f_split)s)::int * 2
        + (window_amount > %(m_split)s)::int AS rfm_group,
        CASE
            WHEN order_count = 0 THEN 0
            WHEN last_order_at > %(silent_from)s THEN 1
            WHEN last_order_at > %(sleeping_from)s THEN 2
            WHEN last_order_at > %(lost_from)s THEN 3
            ELSE 4
        END AS stage,
        CASE
            WHEN last_order_at > %(silent_from)s THEN last_order_at + %(silent_after)s
            WHEN last_order_at > %(sleeping_from)s THEN last_order_at + %(sleeping_after)s
            WHEN last_order_at > %(lost_from)s THEN last_order_at + %(lost_after)s
        END AS stage_due
    FROM known AS k
)

SELECT
    n.*,
    o.member_id IS NULL AS is_new,
    o.stage AS old_stage,
    o.rfm_group AS old_group
FROM scored AS n
LEFT JOIN members_memberstate AS o ON o.member_id = n.member_id AND o.member_id BETWEEN {low} AND {high}
WHERE
    o.member_id IS NULL
    OR (
        n.order_count, n.amount_total, n.first_order_at, n.last_order_at, n.window_count, n.window_amount,
        n.r, n.f, n.m, n.rfm_group, n.stage, n.stage_due, n.facts_due
    ) IS DISTINCT FROM (
        o.order_count, o.amount_total, o.first_order_at, o.last_order_at, o.window_count, o.window_amount,
        o.r, o.f, o.m, o.rfm_group, o.stage, o.stage_due, o.facts_due
    )
