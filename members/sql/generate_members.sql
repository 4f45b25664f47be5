-- Invented members: names, birthdays, cities by Zipf's law, channels, when they joined.
-- Reads nothing; writes members_member for numbers lo … hi, whose ids are reserved beforehand.
-- The same seed makes the same members: chance is a hash of the number.
INSERT INTO members_member (
    id, pool_id, status, name, gender, birthday, province, city, attributes, channel_id, joined_at, is_demo, updated_at
)
SELECT
    %(base)s + k,
    %(pool_id)s,
    CASE WHEN unit_hash(k, %(seed)s + 1) < %(quiet)s AND unit_hash(k, %(seed)s + 2) < 0.6 THEN 1 ELSE 2 END,
    substr(%(surnames)s, 1 + floor(power(unit_hash(k, %(seed)s + 3), 1.8) * length(%(surnames)s))::int, 1)
    || substr(%(given)s, 1 + floor(unit_hash(k, %(seed)s + 4) * length(%(given)s))::int, 1)
    || CASE
        WHEN unit_hash(k, %(seed)s + 5) < 0.75
            THEN substr(%(given)s, 1 + floor(unit_hash(k, %(seed)s + 6) * length(%(given)s))::int, 1)
        ELSE ''
    END,
    CASE WHEN unit_hash(k, %(seed)s + 7) < 0.08 THEN 0 WHEN unit_hash(k, %(seed)s + 7) < 0.4 THEN 1 ELSE 2 END,
    CASE
        WHEN unit_hash(k, %(seed)s + 8) < 0.7
            THEN (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date - 6570
                - floor(power(unit_hash(k, %(seed)s + 9), 1.4) * 18000)::int
    END,
    (%(provinces)s::text[])[1 + width_bucket(unit_hash(k, %(seed)s + 10), %(city_edges)s::float8[])],
    (%(cities)s::text[])[1 + width_bucket(unit_hash(k, %(seed)s + 10), %(city_edges)s::float8[])],
    '{}',
    (%(channels)s::smallint[])[1 + width_bucket(unit_hash(k, %(seed)s + 11), %(channel_edges)s::float8[])],
    %(start)s::timestamptz + make_interval(
        days => width_bucket(greatest(0, unit_hash(k, %(seed)s + 12) * 1.35 - 0.35), %(day_edges)s::float8[])
    ),
    true,
    %(as_of)s
FROM generate_series(%(lo)s::bigint, %(hi)s::bigint) AS k
