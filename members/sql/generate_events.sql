-- Invented behaviour of members lo … hi over the last half year: views most often, shares hardly ever.
-- Reads nothing; writes members_event. The id is a hash of the number, so a re-run conflicts and does nothing.
INSERT INTO members_event (member_id, occurred_at, id, pool_id, channel_id, kind, properties)
SELECT
    %(base)s + k,
    %(as_of)s::timestamptz - make_interval(secs => power(unit_hash(k * 4096 + n, %(seed)s + 70), 1.5) * 180 * 86400),
    hashint8extended(k * 4096 + n, %(seed)s + 71),
    %(pool_id)s,
    (%(channels)s::smallint[])[1 + width_bucket(unit_hash(k, %(seed)s + 20), %(channel_edges)s::float8[])],
    (%(kinds)s::text[])[1 + width_bucket(unit_hash(k * 4096 + n, %(seed)s + 72), %(kind_edges)s::float8[])],
    '{}'
FROM generate_series(%(lo)s::bigint, %(hi)s::bigint) AS k
CROSS JOIN LATERAL generate_series(
    1, least(4000, floor(-ln(1 - unit_hash(k, %(seed)s + 73)) * %(mean)s + unit_hash(k, %(seed)s + 74)))::int
) AS n
ON CONFLICT (member_id, occurred_at, id) DO NOTHING
