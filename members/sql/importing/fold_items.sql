-- One row per order of a file that has a row per item: amounts added up, the rest as the row says that names the person.
-- Reads the run's own stage; writes its own folded table, which takes the stage's place.
-- not prepared: reads a staging table made by each import
CREATE UNLOGGED TABLE {folded} AS
SELECT {columns}, sums.amount, sums.discount, sums.refunded
FROM (
    SELECT DISTINCT ON (s.channel_id, s.number) s.* FROM {stage} AS s
    ORDER BY s.channel_id, s.number, ({first_hash}) IS NULL, s.line
) AS s
INNER JOIN (
    SELECT
        each.channel_id, each.number, sum(each.amount)::bigint AS amount, sum(each.discount)::bigint AS discount,
        sum(each.refunded)::bigint AS refunded
    FROM {stage} AS each
    GROUP BY each.channel_id, each.number
) AS sums ON sums.number = s.number AND sums.channel_id IS NOT DISTINCT FROM s.channel_id
ORDER BY s.line
