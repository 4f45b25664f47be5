-- The merges asked for are undone: when, by whom, with what.
-- Reads undo_merges; writes members_merge. A re-run finds them undone.
UPDATE members_merge AS m SET undone_at = %(as_of)s, undone_by_id = %(actor)s, undone = %(undone)s::jsonb
FROM undo_merges AS u WHERE m.id = u.merge_id AND u.is_wanted AND m.undone_at IS NULL
