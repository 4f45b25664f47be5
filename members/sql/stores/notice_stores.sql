-- Keep a stub for every store code that orders name and nobody registered.
-- Reads members_order once from end to end; writes members_store. A code that is there stays as it is: a re-run is harmless.
INSERT INTO members_store (pool_id, code, name, city, province, region, is_active, is_registered, created_at)
SELECT %(pool_id)s, o.store, o.store, '', '', '', TRUE, FALSE, %(as_of)s
FROM members_order AS o
WHERE o.pool_id = %(pool_id)s AND o.store <> ''
GROUP BY o.store
ORDER BY o.store
ON CONFLICT (pool_id, code) DO NOTHING
