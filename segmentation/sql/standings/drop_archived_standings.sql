-- Nobody stands in a scheme put away long ago: the rows go, and the history says when they ended.
-- Writes members_memberstanding, members_statechange. A re-run finds none.
-- Leans on standing_code.
WITH gone AS (
    DELETE FROM members_memberstanding
    WHERE scheme_id = ANY(%(schemes)s::int[])
    RETURNING member_id, scheme_id, pool_id, code
)

INSERT INTO members_statechange (member_id, kind, at, pool_id, from_code, to_code)
SELECT member_id, %(base)s + scheme_id, %(as_of)s, pool_id, code, NULL
FROM gone
ON CONFLICT (member_id, kind, at) DO UPDATE SET to_code = NULL
