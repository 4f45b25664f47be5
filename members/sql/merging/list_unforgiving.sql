-- Merges among those to be taken apart that cannot be any more: nothing was remembered, somebody was erased, or time is over.
-- Reads undo_merges, members_merge.
SELECT m.id, m.sealed, m.act IS NULL AS is_untraced, m.at < %(since)s AS is_old, u.is_wanted
FROM undo_merges AS u JOIN members_merge AS m ON m.id = u.merge_id
WHERE m.sealed <> '' OR m.act IS NULL OR m.at < %(since)s
ORDER BY u.is_wanted DESC, m.id LIMIT 20
