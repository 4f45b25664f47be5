-- Merges past the time in which they can be undone: what was remembered goes.
-- Reads members_merge; deletes from members_mergedrows, members_setaside. A re-run finds them sealed.
WITH meant AS (
    SELECT id FROM members_merge
    WHERE pool_id = %(pool_id)s AND at < %(since)s AND sealed = '' AND act IS NOT NULL AND undone_at IS NULL ORDER BY id LIMIT %(limit)s
),
rows AS (DELETE FROM members_mergedrows AS r USING meant WHERE r.merge_id = meant.id),
aside AS (DELETE FROM members_setaside AS s USING meant WHERE s.merge_id = meant.id)
UPDATE members_merge AS m SET sealed = 'expired', folded = '{}' FROM meant WHERE m.id = meant.id
