-- Of each class of a scheme: since when its member in the middle stands there, and what that member's value is.
-- Reads members_memberstanding; writes nothing.
-- Leans on standing_code.
SELECT
    code,
    count(*) AS members,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY since) AS since,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY value) AS value
FROM members_memberstanding
WHERE scheme_id = %(scheme_id)s
GROUP BY code
