-- provinces that live members of a pool have, most frequent first.
-- Reads members_member; writes nothing.
SELECT province AS value, count(*) AS n
FROM members_member
WHERE pool_id = %(pool)s AND merged_into IS NULL AND province <> '' AND position(lower(%(q)s) IN lower(province)) > 0
GROUP BY province
ORDER BY n DESC, value
LIMIT %(limit)s
