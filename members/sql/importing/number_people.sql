-- One number for every person the file names and nobody knows yet.
-- Writes the run's own people table; `number` is the id sequence, or a stand-in while only checking.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {people} AS
SELECT root, {number} AS member_id
FROM (
    SELECT DISTINCT coalesce(roots.root, keys.owner) AS root
    FROM {keys} AS keys LEFT JOIN {roots} AS roots ON roots.owner = keys.owner
    ORDER BY root
) AS each
WHERE root > 0
