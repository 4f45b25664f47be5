-- Stores that a file of members names and nobody registered: stubs, as those that only orders know.
-- They are noted in the run's list of changes. A re-run finds them among the stores.
-- not prepared: reads a staging table made by each import
WITH made AS (
    INSERT INTO members_store (pool_id, code, name, city, province, region, is_active, is_registered, created_at)
    SELECT DISTINCT %(pool)s::bigint, s.store, s.store, '', '', '', TRUE, FALSE, %(as_of)s::timestamptz
    FROM {stage} AS s
    WHERE s.store <> '' AND NOT EXISTS (SELECT FROM members_store AS known WHERE known.pool_id = %(pool)s AND known.code = s.store)
    ON CONFLICT DO NOTHING
    RETURNING id, code
)
INSERT INTO {changed} (part, id, after) SELECT 'stores', id, jsonb_build_object('code', code) FROM made
