-- Before the gaps of winners are filled: a field goes by the most trusted source among a winner and its losers.
-- Reads merge_pairs; writes members_member (winners). A re-run finds the winner trusted as much.
-- not prepared: merge_pairs is a temporary table of merging
WITH best AS (
    SELECT DISTINCT ON (p.winner_id) p.winner_id, l.{field} AS value, {source} AS source, {theirs} AS rank
    FROM merge_pairs AS p JOIN members_member AS l ON l.id = p.loser_id
    WHERE l.{field} IS DISTINCT FROM {empty}
    ORDER BY p.winner_id, {theirs}, l.updated_at DESC, l.id
)
UPDATE members_member AS w
SET {field} = best.value, sources = coalesce(w.sources, '{{}}') || jsonb_build_object({field_name}::text, best.source)
FROM best
WHERE w.id = best.winner_id AND best.source IS NOT NULL AND (w.{field} IS NOT DISTINCT FROM {empty} OR best.rank < {ours})
