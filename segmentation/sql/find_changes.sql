-- Scores, group and stage of every member in scope by constant edges; only the rows that differ from what is stored.
-- Reads {scope}, {facts}, {future}, {leads}, {paces}, {ages} and members_memberstate; a plain SELECT, kept in a table of the run.
-- A value is in the higher class when it is strictly above the edge: ties stay together. The bounds are said
-- of each relation, as the planner carries only equalities over a join: each is read from low to high, once.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {facts} = (SELECT *, facts_due AS window_due FROM members_memberstate)
-- sample {future} = (SELECT member_id, placed_at AS at FROM members_order)
-- sample {leads} = (SELECT member_id, lead, stage_due AS due FROM members_memberstate)
-- sample {paces} = (SELECT member_id, 1::bigint AS pace FROM members_memberstate)
-- sample {ages} = (SELECT 1::bigint AS pace, 720 AS silent, 1440 AS sleeping, 2160 AS lost)
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
        least(f.window_due, u.at) AS facts_due,
        l.lead,
        l.due AS lead_due,
        -- after how long without an order a member of this pace is silent, sleeping, lost
        f.last_order_at + coalesce(g.silent * interval '1 hour', %(silent_after)s) AS silent_at,
        f.last_order_at + coalesce(g.sleeping * interval '1 hour', %(sleeping_after)s) AS sleeping_at,
        f.last_order_at + coalesce(g.lost * interval '1 hour', %(lost_after)s) AS lost_at
    FROM {scope} AS s
    LEFT JOIN {facts} AS f ON f.member_id = s.member_id AND f.member_id BETWEEN {low} AND {high}
    LEFT JOIN {future} AS u ON u.member_id = s.member_id
    LEFT JOIN {leads} AS l ON l.member_id = s.member_id AND l.member_id BETWEEN {low} AND {high}
    LEFT JOIN {paces} AS c ON c.member_id = s.member_id
    LEFT JOIN {ages} AS g ON g.pace = coalesce(
        c.pace,
        (f.order_count - 1)::bigint * 65536 + (date_part('epoch', f.last_order_at - f.first_order_at)::bigint / 86400)
    )
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
            WHEN silent_at > %(as_of)s THEN 1
            WHEN sleeping_at > %(as_of)s THEN 2
            WHEN lost_at > %(as_of)s THEN 3
            ELSE 4
        END AS stage,
        CASE
            WHEN order_count = 0 THEN lead_due
            WHEN silent_at > %(as_of)s THEN silent_at
            WHEN sleeping_at > %(as_of)s THEN sleeping_at
            WHEN lost_at > %(as_of)s THEN lost_at
        END AS stage_due
    FROM known AS k
)

SELECT
    n.*,
    o.member_id IS NULL AS is_new,
    o.stage AS old_stage,
    o.rfm_group AS old_group,
    o.lead AS old_lead
FROM scored AS n
LEFT JOIN members_memberstate AS o ON o.member_id = n.member_id AND o.member_id BETWEEN {low} AND {high}
WHERE
    o.member_id IS NULL
    OR (
        n.order_count, n.amount_total, n.first_order_at, n.last_order_at, n.window_count, n.window_amount,
        n.r, n.f, n.m, n.rfm_group, n.stage, n.lead, n.stage_due, n.facts_due
    ) IS DISTINCT FROM (
        o.order_count, o.amount_total, o.first_order_at, o.last_order_at, o.window_count, o.window_amount,
        o.r, o.f, o.m, o.rfm_group, o.stage, o.lead, o.stage_due, o.facts_due
    )
