-- Everybody of the frozen audience becomes a participant at the first node.
-- Reads campaigns_entering (temporary), members_member; writes campaigns_participant.
-- A re-run adds nobody: one row per member and run.
INSERT INTO campaigns_participant (member_id, run_id, arm, layer_id, entered_at, node, due_at)
SELECT e.member_id, %(run)s, e.arm, e.layer_id, %(as_of)s, %(node)s, %(as_of)s
FROM campaigns_entering AS e
JOIN members_member AS m ON m.id = e.member_id AND m.pool_id = %(pool)s AND m.merged_into IS NULL
ORDER BY e.member_id
ON CONFLICT (member_id, run_id) DO NOTHING
