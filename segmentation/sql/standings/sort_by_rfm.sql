-- Scores and group of the buyers of an RFM configuration by constant edges; due when an order leaves the window, and by_age when
-- an age is reached: otherwise ticks look for who crossed one, as edges measured every night would move it for everybody.
-- Reads {known} (facts of the run, or what the configuration gathered) and {scope}; a plain SELECT.
-- sample {known} = (SELECT *, facts_due AS window_due FROM members_memberstate)
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    k.member_id,
    (k.last_order_at + %(r_split)s > %(as_of)s)::int * 4
    + (k.window_count > %(f_split)s)::int * 2 + (k.window_amount > %(m_split)s)::int AS code,
    (
        1 + (k.last_order_at + %(r1)s > %(as_of)s)::int + (k.last_order_at + %(r2)s > %(as_of)s)::int
        + (k.last_order_at + %(r3)s > %(as_of)s)::int + (k.last_order_at + %(r4)s > %(as_of)s)::int
    ) * 100
    + (
        1 + (k.window_count > %(f1)s)::int + (k.window_count > %(f2)s)::int
        + (k.window_count > %(f3)s)::int + (k.window_count > %(f4)s)::int
    ) * 10
    + (
        1 + (k.window_amount > %(m1)s)::int + (k.window_amount > %(m2)s)::int
        + (k.window_amount > %(m3)s)::int + (k.window_amount > %(m4)s)::int
    ) AS value,
    NULL::timestamptz AS since,
    least(
        k.window_due,
        CASE
            WHEN %(by_age)s
                THEN least(
                    CASE WHEN k.last_order_at + %(r_split)s > %(as_of)s THEN k.last_order_at + %(r_split)s END,
                    CASE WHEN k.last_order_at + %(r1)s > %(as_of)s THEN k.last_order_at + %(r1)s END,
                    CASE WHEN k.last_order_at + %(r2)s > %(as_of)s THEN k.last_order_at + %(r2)s END,
                    CASE WHEN k.last_order_at + %(r3)s > %(as_of)s THEN k.last_order_at + %(r3)s END,
                    CASE WHEN k.last_order_at + %(r4)s > %(as_of)s THEN k.last_order_at + %(r4)s END
                )
        END
    ) AS due,
    NULL::timestamptz AS expected_at
FROM {known} AS k
INNER JOIN {scope} AS s ON s.member_id = k.member_id
WHERE k.member_id BETWEEN {low} AND {high} AND s.member_id BETWEEN {low} AND {high}
