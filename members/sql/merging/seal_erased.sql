-- Merges with somebody who is erased: their rows, fields and hints go, they cannot be undone.
-- Reads members_merge; deletes from members_mergedrows, members_setaside. A re-run finds them sealed.
WITH meant AS (
    SELECT id FROM members_merge WHERE pool_id = %(pool_id)s AND winner_id = ANY(%(ids)s::bigint[])
    UNION
    SELECT id FROM members_merge WHERE pool_id = %(pool_id)s AND loser_id = ANY(%(ids)s::bigint[])
),
rows AS (DELETE FROM members_mergedrows AS r USING meant WHERE r.merge_id = meant.id),
aside AS (DELETE FROM members_setaside AS s USING meant WHERE s.merge_id = meant.id)
UPDATE members_merge AS m SET sealed = 'erased', folded = '{}', cause_hash = NULL, cause_hint = '' FROM meant WHERE m.id = meant.id
