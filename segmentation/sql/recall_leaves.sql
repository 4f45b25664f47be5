-- Leaves that are kept, and of the measures those that a leaf which is not kept follows from (pairs, side by side).
-- Reads segmentation_leaf; leans on one_leaf_per_condition.
SELECT
    key,
    bitmap,
    values,
    labels
FROM segmentation_leaf
WHERE pool_id = %(pool)s AND key = ANY(%(leaves)s::bytea[])
UNION ALL
SELECT
    kept.key,
    kept.bitmap,
    kept.values,
    kept.labels
FROM segmentation_leaf AS kept
WHERE
    kept.pool_id = %(pool)s
    AND kept.key IN (
        SELECT pair.measure
        FROM unnest(%(follows)s::bytea[], %(measures)s::bytea[]) AS pair (leaf, measure)
        WHERE NOT EXISTS (SELECT FROM segmentation_leaf AS whole WHERE whole.pool_id = %(pool)s AND whole.key = pair.leaf)
    )
