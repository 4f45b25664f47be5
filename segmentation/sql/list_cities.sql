-- cities that live members of a pool have, most frequent first.
-- Reads members_member; writes nothing.
SELECT city AS value, count(*) AS n
FROM members_member
WHERE pool_id = %(pool)s AND merged_into IS NULL AND city <> '' AND position(lower(%(q)s) IN lower(city)) > 0
GROUP BY city
ORDER BY n DESC, value
LIMIT %(limit)s
