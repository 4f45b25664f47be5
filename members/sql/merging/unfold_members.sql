-- The winners' fields go back to what they were before the merge, each unless it was changed since.
-- Reads undo_pairs, members_merge; writes members_member (winners). {fields} are the columns, {values} theirs from the record r.
-- A re-run finds the fields changed since.
-- sample {fields} = name, gender
-- sample {values} = r.name, r.gender
WITH folded AS (
    SELECT DISTINCT ON (u.winner_id) u.winner_id, m.folded FROM undo_pairs AS u JOIN members_merge AS m ON m.id = u.merge_id
    WHERE m.folded <> '{{}}' ORDER BY u.winner_id, u.merge_id
),
back AS (
    SELECT f.winner_id, (
        SELECT COALESCE(jsonb_object_agg(each.key, each.value -> 0), '{{}}') FROM jsonb_each(f.folded) AS each
        WHERE each.key NOT IN ('attributes', 'sources') AND to_jsonb(w) -> each.key = each.value -> 1
    ) || CASE WHEN f.folded ? 'attributes' THEN jsonb_build_object(
        'attributes', (
            SELECT w.attributes - COALESCE(array_agg(key), '{{}}') || COALESCE(jsonb_object_agg(key, b.value) FILTER (WHERE b.value IS NOT NULL), '{{}}')
            FROM jsonb_each(f.folded -> 'attributes' -> 0) AS b (key, value)
            FULL JOIN jsonb_each(f.folded -> 'attributes' -> 1) AS a (key, value) USING (key)
            WHERE a.value IS DISTINCT FROM b.value AND w.attributes -> key IS NOT DISTINCT FROM a.value
        )
    ) ELSE '{{}}' END || CASE WHEN f.folded ? 'sources' AND to_jsonb(w) -> 'sources' = f.folded -> 'sources' -> 1 THEN jsonb_build_object(
        'sources', f.folded -> 'sources' -> 0
    ) ELSE '{{}}' END AS fields
    FROM folded AS f JOIN members_member AS w ON w.id = f.winner_id
)
UPDATE members_member AS w SET ({fields}) = (SELECT {values} FROM jsonb_populate_record(w, back.fields) AS r), updated_at = %(as_of)s
FROM back WHERE w.id = back.winner_id
