-- Hold the orders of one chunk that are to be changed, so that what they become is computed from what they are.
-- Leans on the primary key of members_order (member first).
-- not prepared: reads a table made by each import
SELECT count(*) FROM (
    SELECT old.id
    FROM {ready} AS said JOIN members_order AS old ON old.member_id = said.member_id AND old.id = said.id
    WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2
    ORDER BY old.member_id, old.id FOR UPDATE OF old
) AS held
