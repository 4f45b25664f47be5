-- Events of a file with their members and ids. The sender's event id, or what happened when, makes the id: a repeat is the same row.
-- Writes the run's own ready table; class 0 new, 1 known.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {ready} AS
SELECT said.*, CASE WHEN old.id IS NULL THEN 0 ELSE 1 END::smallint AS class
FROM (
    SELECT
        persons.person AS member_id, s.occurred_at, coalesce(s.channel_id, %(channel)s)::smallint AS channel_id, s.kind, s.attributes, s.line,
        hashtextextended(coalesce(s.event_id, s.kind || ' ' || coalesce(s.attributes::text, '')), %(pool)s) AS id
    FROM {stage} AS s JOIN {persons} AS persons ON persons.hash = {first_hash}
) AS said
LEFT JOIN members_event AS old
    ON old.member_id = said.member_id AND old.occurred_at = said.occurred_at AND old.id = said.id
ORDER BY said.member_id, said.occurred_at, said.id, said.line
