-- Of the members whose next step is expected: how many are overdue, and how many within a week and a month.
-- Reads members_memberstanding; writes nothing.
-- Leans on standing_expected.
SELECT
    count(*) FILTER (WHERE expected_at <= %(as_of)s) AS overdue,
    count(*) FILTER (WHERE expected_at > %(as_of)s AND expected_at <= %(as_of)s + interval '7 days') AS week,
    count(*) FILTER (WHERE expected_at > %(as_of)s AND expected_at <= %(as_of)s + interval '30 days') AS month
FROM members_memberstanding
WHERE scheme_id = %(scheme_id)s AND expected_at IS NOT NULL
