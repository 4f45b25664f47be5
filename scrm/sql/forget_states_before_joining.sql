-- History of the demo is computed week by week with all its members there from the first: nobody is anything before joining.
-- Reads members_member; writes members_statechange. The first change that is left comes from null, as everybody's; one that
-- only ended what was before joining goes, too. A re-run finds nothing.
WITH begun AS (
    SELECT s.member_id, s.kind, min(s.at) AS at
    FROM members_statechange AS s
    INNER JOIN members_member AS m ON m.id = s.member_id AND s.at >= m.joined_at
    WHERE m.pool_id = %(pool_id)s
    GROUP BY s.member_id, s.kind
),

gone AS (
    DELETE FROM members_statechange AS s
    USING members_member AS m
    WHERE m.pool_id = %(pool_id)s AND s.member_id = m.id
        AND (s.at < m.joined_at OR (s.to_code IS NULL AND (s.member_id, s.kind, s.at) IN (SELECT b.* FROM begun AS b)))
)

UPDATE members_statechange AS s
SET from_code = null
FROM begun AS b
WHERE s.member_id = b.member_id AND s.kind = b.kind AND s.at = b.at AND s.from_code IS NOT NULL AND s.to_code IS NOT NULL
