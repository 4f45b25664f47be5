-- One line of history per member that went: what proved it, what moved, which fields of the winner changed and how.
-- Reads merge_pairs, merge_edges, merge_moved, merge_winners, members_identity; writes members_merge.
-- A pair that is joined again after another was parted keeps its line.
WITH proof AS (
    SELECT DISTINCT ON (p.loser_id) p.loser_id, COALESCE(NULLIF(e.kind, ''), %(kind)s) AS kind, COALESCE(e.value_hash, %(hash)s) AS value_hash
    FROM merge_pairs AS p
    LEFT JOIN (
        SELECT loser_id AS member_id, kind, value_hash, 1 AS side FROM merge_edges
        UNION ALL
        SELECT winner_id, kind, value_hash, 2 FROM merge_edges
    ) AS e ON e.member_id = p.loser_id
    ORDER BY p.loser_id, e.side, e.kind DESC
),
changed AS (
    SELECT w.winner_id, jsonb_object_agg(a.key, jsonb_build_array(w.before -> a.key, a.value)) AS folded
    FROM merge_winners AS w JOIN members_member AS m ON m.id = w.winner_id
    CROSS JOIN LATERAL jsonb_each(to_jsonb(m)) AS a
    WHERE a.value <> w.before -> a.key AND a.key <> 'updated_at'
    GROUP BY w.winner_id
),
counted AS (SELECT loser_id, jsonb_object_agg(label, n) AS moved FROM merge_moved GROUP BY loser_id)
INSERT INTO members_merge
    (id, pool_id, winner_id, loser_id, act, cause_kind, cause_hash, cause_hint, source, moved, folded, chosen, turn, actor_id, at)
SELECT
    p.merge_id, %(pool_id)s, p.winner_id, p.loser_id, min(p.merge_id) OVER (), proof.kind, proof.value_hash,
    left(COALESCE(NULLIF(i.hint, ''), i.value, ''), 40), %(source)s, COALESCE(counted.moved, '{}'), COALESCE(changed.folded, '{}'), %(chosen)s::jsonb,
    p.turn, %(actor)s, %(as_of)s
FROM merge_pairs AS p
JOIN proof USING (loser_id)
LEFT JOIN counted USING (loser_id)
LEFT JOIN changed USING (winner_id)
LEFT JOIN members_identity AS i ON i.pool_id = %(pool_id)s AND i.kind = proof.kind AND i.value_hash = proof.value_hash
ON CONFLICT (id) DO UPDATE SET moved = excluded.moved, folded = excluded.folded, turn = excluded.turn
