-- Fields in which a person preferred the loser's value to the winner's.
-- Reads merge_pairs, members_merge.chosen of them or the choices given, members_member; writes members_member (winners).
-- A re-run writes the same. {sets} is one assignment per column.
-- sample {sets} = name = CASE WHEN c.chosen ? 'name' THEN l.name ELSE w.name END
UPDATE members_member AS w SET {sets}
FROM merge_pairs AS p JOIN members_member AS l ON l.id = p.loser_id
LEFT JOIN members_merge AS m ON m.id = p.merge_id
CROSS JOIN LATERAL (SELECT COALESCE(m.chosen, %(chosen)s::jsonb) AS chosen) AS c
WHERE w.id = p.winner_id AND c.chosen <> '{{}}'
