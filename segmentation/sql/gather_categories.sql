-- The pace of each buyer by their main category, the one they paid most for: its place among the given categories.
-- Reads {bought} (what `sum_categories` found); a plain SELECT, kept in a table of the run.
-- sample {bought} = (SELECT id AS member_id, ''::text AS category, 1 AS amount FROM members_member)
SELECT DISTINCT ON (b.member_id)
    b.member_id,
    array_position(%(categories)s::text[], b.category)::bigint AS pace
FROM {bought} AS b
ORDER BY b.member_id, b.amount DESC, b.category
