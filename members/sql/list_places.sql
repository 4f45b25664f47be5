-- Provinces and cities that occur in a pool, by hopping from one to the next in the index: fast at any size.
-- Reads members_member; leans on member_place.
WITH RECURSIVE place AS (
    (SELECT province, city FROM members_member WHERE pool_id = %(pool_id)s ORDER BY province, city LIMIT 1)
    UNION ALL
    SELECT further.province, further.city
    FROM place CROSS JOIN LATERAL (
        SELECT m.province, m.city FROM members_member AS m
        WHERE m.pool_id = %(pool_id)s AND (m.province, m.city) > (place.province, place.city)
        ORDER BY m.province, m.city LIMIT 1
    ) AS further
)
SELECT province, city FROM place WHERE province <> '' LIMIT 2000
