-- Points that parted members are due but that were spent since.
-- Reads points_due.
-- sample {due} = (SELECT TRUE AS is_wanted, 4::bigint AS due, 5::bigint AS there, 0::bigint AS before)
SELECT coalesce(sum(due - greatest(least(due, there - before), 0)), 0)::bigint AS missing, coalesce(sum(due), 0)::bigint AS due
FROM {due} WHERE is_wanted AND due > 0
