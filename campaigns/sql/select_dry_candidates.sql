-- The treated of a dry run with their contents, out of two arrays: candidates that stand in no table.
-- Reads nothing; writes nothing.
SELECT unnest(%(dry_members)s::bigint []) AS member_id, unnest(%(dry_contents)s::bigint []) AS content_id
