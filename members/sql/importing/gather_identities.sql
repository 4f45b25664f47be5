-- The identities to be registered, with their sealed values, in the order of their members.
-- Writes the run's own fresh table.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {fresh} AS
SELECT persons.person AS member_id, persons.kind, persons.hash, seals.value, seals.sealed, seals.hint, seals.tail
FROM {persons} AS persons JOIN {seals} AS seals ON seals.line = persons.line AND seals.kind = persons.kind
WHERE persons.known IS NULL
ORDER BY persons.person
