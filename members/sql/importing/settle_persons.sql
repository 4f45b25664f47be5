-- Which person each identity of the file belongs to, joined people taken together.
-- Writes the run's own persons table.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {persons} AS
SELECT keys.kind, keys.hash, keys.line, keys.known, coalesce(people.member_id, -coalesce(roots.root, keys.owner)) AS person
FROM {keys} AS keys
LEFT JOIN {roots} AS roots ON roots.owner = keys.owner
LEFT JOIN {people} AS people ON people.root = coalesce(roots.root, keys.owner)
