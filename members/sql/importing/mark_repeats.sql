-- Keys that a file has more than once: the first line stands; a later equal one is class 5 (said twice), a different one class 4 (refused).
-- Changes only the repeated rows of the run's own ready table, so a re-run is harmless.
-- not prepared: reads tables made by each import
UPDATE {ready} AS later
SET class = CASE WHEN ({values_later}) IS NOT DISTINCT FROM ({values_first}) THEN 5 ELSE 4 END
FROM (
    SELECT DISTINCT ON ({key}) * FROM {ready} AS every
    WHERE ({key}) IN (SELECT {key} FROM {ready} AS again {again})
    ORDER BY {key}, line
) AS first
WHERE ({key_later}) = ({key_first}) AND later.line > first.line
