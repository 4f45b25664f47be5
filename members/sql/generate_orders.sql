-- Invented orders of members lo … hi: frequencies by Pareto's law, days by season, each member within its own
-- active span, amounts log-normal round the member's own level.
-- Reads nothing; writes members_order, member by member, so that the keys arrive in order.
-- The same seed makes the same orders: chance is a hash of member number and order number.
WITH buyers AS (
    SELECT
        k,
        1 + floor(
            %(scale)s * (least(200, power(1 - unit_hash(k, %(seed)s + 13), -1 / 1.4)) - 1) + unit_hash(k, %(seed)s + 14)
        )::int AS orders,
        greatest(0, unit_hash(k, %(seed)s + 12) * 1.35 - 0.35) AS joined,
        CASE WHEN unit_hash(k, %(seed)s + 15) < 0.5 THEN 1 ELSE unit_hash(k, %(seed)s + 16) END AS life,
        exp(
            4.3 + 0.55 * 2 * (
                unit_hash(k, %(seed)s + 17) + unit_hash(k, %(seed)s + 18) + unit_hash(k, %(seed)s + 19) - 1.5
            )
        ) AS level,
        (%(channels)s::smallint[])[1 + width_bucket(unit_hash(k, %(seed)s + 20), %(channel_edges)s::float8[])] AS home
    FROM generate_series(%(lo)s::bigint, %(hi)s::bigint) AS k
    WHERE unit_hash(k, %(seed)s + 1) >= %(quiet)s
),

chances AS (
    SELECT
        b.*,
        n,
        hashint8extended(b.k * 16384 + n, %(seed)s + 21) AS h,
        b.joined + (1 - b.joined) * b.life * unit_hash(b.k * 16384 + n, %(seed)s + 22) AS at,
        unit_hash(b.k * 16384 + n, %(seed)s + 23) AS clock
    FROM buyers AS b
    CROSS JOIN LATERAL generate_series(1, b.orders) AS n
),

orders AS (
    SELECT
        %(base)s + k AS member_id,
        'G' || (%(base)s + k) || '-' || n AS number,
        CASE
            WHEN h & 15 < 12 THEN home
            ELSE (%(channels)s::smallint[])[1 + width_bucket(((h >> 4) & 4095) / 4096.0::float8, %(channel_edges)s::float8[])]
        END AS channel_id,
        CASE
            WHEN (h >> 16) & 255 < 235 THEN 1
            WHEN (h >> 16) & 255 < 246 THEN 2
            WHEN (h >> 16) & 255 < 253 THEN 3
            ELSE 4
        END AS status,
        %(start)s::timestamptz
        + make_interval(days => width_bucket(at, %(day_edges)s::float8[]))
        + make_interval(
            hours => width_bucket(clock, %(hour_edges)s::float8[]),
            secs => ((h >> 24) & 4095) * 3599 / 4095
        ) AS placed_at,
        greatest(1, level * exp(0.5 * 2 * (((h >> 36) & 255) + ((h >> 44) & 255) + ((h >> 52) & 255) - 382.5) / 256) * 100)::bigint
            AS amount,
        (h >> 60) & 7 AS rebate,
        k
    FROM chances
)

INSERT INTO members_order (
    member_id, id, pool_id, channel_id, number, status, placed_at, amount, discount, shipping, refunded, store
)
SELECT
    member_id,
    order_key(%(pool_id)s, channel_id, number),
    %(pool_id)s,
    channel_id,
    number,
    status,
    placed_at,
    amount,
    CASE WHEN rebate = 0 THEN amount / 10 ELSE 0 END,
    CASE WHEN amount < 5000 THEN 600 ELSE 0 END,
    CASE WHEN status = 2 THEN amount WHEN status = 1 AND rebate = 1 THEN amount / 20 ELSE 0 END,
    CASE WHEN channel_id = 1 THEN 'S' || (k %% 120 + 1) ELSE '' END
FROM orders
WHERE placed_at < %(as_of)s
