-- The members whose identity a person must decide about, eight bytes each; of one source, or of all (null).
-- Reads members_review (review_pool_status) and members_member; writes nothing.
SELECT string_agg(int8send(waiting.id), '') AS packed
FROM (
    SELECT DISTINCT m.id
    FROM members_review AS r
    INNER JOIN members_member AS m ON m.id IN (r.one_id, r.two_id)
    WHERE
        r.pool_id = %(pool)s
        AND r.status = 'open'
        AND (NOT %(conflict)s OR r.reason = 'conflict')
        AND m.pool_id = %(pool)s
        AND m.merged_into IS NULL
        AND (%(source)s::int IS NULL OR coalesce(m.channel_id, -1) = %(source)s::int)
) AS waiting
