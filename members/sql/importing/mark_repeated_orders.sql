-- Orders that a file names more than once: the row with the highest status speaks for them. What the others say is class 5, taken into
-- it by fold_orders; one that contradicts it (another member, the same status with another amount) is class 4, refused.
-- Changes only the repeated rows of the run's own ready table, so a re-run is harmless.
-- not prepared: changes a table made by each import
UPDATE {ready} AS later
SET class = CASE
    WHEN later.line = first.line THEN 8
    WHEN later.member_id <> first.member_id
        OR (
            coalesce(later.status, 1) = coalesce(first.status, 1) AND later.status_at IS NOT DISTINCT FROM first.status_at
            AND (
                (later.placed_at, later.amount) <> (first.placed_at, first.amount) OR later.discount <> first.discount
                OR later.shipping <> first.shipping OR later.store <> first.store
            )
        ) THEN 4
    ELSE 5
END
FROM (
    SELECT DISTINCT ON (every.id) every.*
    FROM {ready} AS every
    WHERE every.id IN (SELECT again.id FROM {ready} AS again GROUP BY again.id HAVING count(*) > 1)
    ORDER BY every.id, every.class = 3, (ARRAY[1, 3, 2, 0])[coalesce(every.status, 1)] DESC, every.status_at DESC NULLS LAST, every.line
) AS first
WHERE later.id = first.id
