-- Of one chunk's created members those about whom {table} holds something stay.
-- Reads the import's journal; writes revert_kept. Leans on the member-first key of {table}.
-- not prepared: reads a table kept by each import
INSERT INTO revert_kept (member_id, reason, label)
SELECT said.member_id, 'in_use', %(label)s
FROM {written} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 0
    AND EXISTS (SELECT FROM {table} AS held WHERE held.{member} = said.member_id AND {also})
