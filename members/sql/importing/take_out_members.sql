-- One chunk's created members about whom nothing is known any more go.
-- Reads the import's journal and revert_kept; writes members_member. A re-run finds nobody to take out.
-- not prepared: reads a table kept by each import
DELETE FROM members_member AS o
USING {written} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 0 AND o.id = said.member_id
    AND NOT EXISTS (SELECT FROM revert_kept AS kept WHERE kept.member_id = said.member_id)
