-- Of one chunk's new events those that arrived by another way meanwhile: they are not this import's to take back.
-- Changes only the run's own ready table, so a re-run is harmless.
-- not prepared: changes a table made by each import
UPDATE {ready} AS said
SET class = 1
FROM members_event AS old
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 0
    AND old.member_id = said.member_id AND old.occurred_at = said.occurred_at AND old.id = said.id
