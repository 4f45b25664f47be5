-- Invented tags on members lo … hi: which tags by Zipf's law, how many per member round the mean asked for.
-- Reads nothing; writes members_membertag. A re-run conflicts and does nothing.
INSERT INTO members_membertag (member_id, tag_id, at)
SELECT DISTINCT
    %(base)s + k,
    (%(tags)s::bigint[])[1 + width_bucket(unit_hash(k * 64 + n, %(seed)s + 50), %(tag_edges)s::float8[])],
    %(as_of)s::timestamptz
FROM generate_series(%(lo)s::bigint, %(hi)s::bigint) AS k
CROSS JOIN LATERAL generate_series(1, floor(%(mean)s * 2 * unit_hash(k, %(seed)s + 51) + 0.5)::int) AS n
ORDER BY 1, 2
ON CONFLICT (member_id, tag_id) DO NOTHING
