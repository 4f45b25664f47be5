-- Receipts below zero that belong to another one: the one they name, or the one that has their number, in the file or known.
-- One that stands for itself is known by what it became: given back in full, the same amount at the same moment.
-- Writes the run's own table of returns, with the columns of a file of refunds. Leans on order_key.
-- not prepared: reads a staging table made by each import
CREATE UNLOGGED TABLE {returned} AS
SELECT DISTINCT ON (s.line)
    s.line, s.channel_id, coalesce(s.original, s.number) AS number, CASE WHEN s.original <> s.number THEN s.number END AS refund,
    -s.amount AS refunded, s.placed_at AS refunded_at
FROM {stage} AS s
LEFT JOIN {stage} AS sold ON sold.number = s.number AND sold.channel_id IS NOT DISTINCT FROM s.channel_id AND sold.amount >= 0
LEFT JOIN members_order AS known
    ON known.id = order_key(%(pool)s, coalesce(s.channel_id, %(channel)s)::int, s.number) AND known.pool_id = %(pool)s
    AND NOT (known.status = 2 AND known.amount = -s.amount AND known.placed_at = s.placed_at)
WHERE s.amount < 0 AND (s.original IS NOT NULL OR sold.line IS NOT NULL OR known.id IS NOT NULL)
ORDER BY s.line
