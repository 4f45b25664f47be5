-- New refunds of one chunk, those whose order has not arrived included. The same refund is one row, so a re-run is harmless.
-- not prepared: reads tables made by each import
INSERT INTO members_refund (pool_id, order_id, number, amount, at, run_id)
SELECT %(pool)s, id, number, amount, at, %(run)s
FROM {ready}
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class IN (0, 8)
ON CONFLICT (pool_id, order_id, number) DO NOTHING
