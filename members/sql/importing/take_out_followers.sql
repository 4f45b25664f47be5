-- What was computed about one chunk's created members goes with them.
-- Reads the import's journal and revert_kept; writes {table}. Leans on the member-first key of {table}.
-- not prepared: reads a table kept by each import
DELETE FROM {table} AS held
USING {written} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 0 AND held.{member} = said.member_id
    AND NOT EXISTS (SELECT FROM revert_kept AS kept WHERE kept.member_id = said.member_id)
