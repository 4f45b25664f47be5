-- What must be taken apart: the merges asked for, and every later one into the same winner or of that winner into another.
-- Reads members_merge; writes undo_merges. A merge that is undone already is not among them.
WITH RECURSIVE tied AS (
    SELECT m.id, m.winner_id, m.act FROM members_merge AS m
    WHERE m.id = ANY(%(ids)s::bigint[]) AND m.pool_id = %(pool_id)s AND m.undone_at IS NULL
    UNION
    SELECT later.id, later.winner_id, later.act
    FROM tied CROSS JOIN LATERAL (
        SELECT m.id, m.winner_id, m.act FROM members_merge AS m
        WHERE m.winner_id = tied.winner_id AND m.undone_at IS NULL AND COALESCE(m.act, m.id) >= COALESCE(tied.act, 0)
        UNION ALL
        SELECT m.id, m.winner_id, m.act FROM members_merge AS m WHERE m.loser_id = tied.winner_id AND m.undone_at IS NULL
    ) AS later
)
INSERT INTO undo_merges (merge_id, winner_id, loser_id, act, turn, is_wanted)
SELECT m.id, m.winner_id, m.loser_id, COALESCE(m.act, 0), m.turn, m.id = ANY(%(ids)s::bigint[])
FROM members_merge AS m WHERE m.id IN (SELECT id FROM tied)
