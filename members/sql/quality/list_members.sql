-- The members behind one figure of data quality, eight bytes each; of one source, or of all (null).
-- Reads members_member, members_identity, members_memberstate; writes nothing. {test} is the figure's condition.
-- sample {test} = p.name <> ''
WITH known AS (
    SELECT
        member_id,
        bit_or(1::bigint << (array_position(%(kinds)s::text [], kind) - 1)) AS kinds,
        max(seen_at) AS seen
    FROM members_identity
    WHERE pool_id = %(pool)s
    GROUP BY member_id
),

person AS (
    SELECT
        m.id,
        m.name,
        m.gender,
        m.birthday,
        m.province,
        m.city,
        m.attributes,
        coalesce(m.channel_id, -1) AS source,
        coalesce(k.kinds, 0) AS kinds,
        greatest(m.updated_at, m.joined_at, k.seen, s.last_order_at) AS seen,
        m.sources IS NOT NULL AND EXISTS (
            SELECT 1 FROM jsonb_each(m.sources) AS said (field, source)
            WHERE said.source ->> 0 IS DISTINCT FROM m.channel_id::text
        ) AS overruled
    FROM members_member AS m
    LEFT JOIN known AS k ON m.id = k.member_id
    LEFT JOIN members_memberstate AS s ON m.id = s.member_id
    WHERE m.pool_id = %(pool)s AND m.merged_into IS NULL
)

SELECT string_agg(int8send(p.id), '') AS packed
FROM person AS p
WHERE (%(source)s::int IS NULL OR p.source = %(source)s::int) AND ({test})
