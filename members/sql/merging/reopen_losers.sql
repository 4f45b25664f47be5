-- The losers are members again, and whoever was merged into them before points at them.
-- Reads undo_pairs, members_merge; writes members_member.merged_into. A re-run writes the same.
WITH RECURSIVE under AS (
    SELECT loser_id AS root, loser_id AS id FROM undo_pairs
    UNION
    SELECT under.root, m.loser_id FROM under JOIN members_merge AS m ON m.winner_id = under.id AND m.undone_at IS NULL
    WHERE NOT EXISTS (SELECT FROM undo_pairs AS u WHERE u.loser_id = m.loser_id)
)
UPDATE members_member AS m SET merged_into = NULLIF(under.root, under.id), updated_at = %(as_of)s FROM under WHERE m.id = under.id
