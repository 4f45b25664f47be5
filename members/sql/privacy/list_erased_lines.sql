-- Lines of a file whose person was erased and is not to come back unasked. Reads {stage} and members_tombstone.
-- sample {stage} = members_identity
-- sample {tests} = t.kind = 'phone' AND t.value_hash = s.value_hash
-- not prepared: reads a staging table made by each import
SELECT DISTINCT s.line
FROM {stage} AS s
INNER JOIN members_tombstone AS t ON t.pool_id = %(pool_id)s AND ({tests})
ORDER BY 1
