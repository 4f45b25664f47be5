-- Give members of a range of ids that have no home store the one they bought at most often since an instant.
-- Reads orders by member, members_store; writes members_member. Whoever has a store keeps it, so a re-run is harmless.
WITH bought AS (
    SELECT DISTINCT ON (o.member_id) o.member_id, s.id AS store_id
    FROM members_order AS o
    JOIN members_store AS s ON s.pool_id = o.pool_id AND s.code = o.store AND s.is_registered AND s.is_active
    WHERE o.pool_id = %(pool_id)s AND o.member_id > %(after)s AND o.member_id <= %(upto)s
    AND o.status = 1 AND o.placed_at >= %(since)s AND o.placed_at < %(as_of)s
    GROUP BY o.member_id, s.id
    ORDER BY o.member_id, count(*) DESC, max(o.placed_at) DESC, s.id
)
UPDATE members_member AS m SET store_id = bought.store_id
FROM bought
WHERE m.id = bought.member_id AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL AND m.store_id IS NULL
