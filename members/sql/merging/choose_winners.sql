-- Who wins in each connected group: the smallest id of those that lose in no pair, or of all in a circle.
-- Reads merge_groups and merge_edges; writes merge_pairs, one row per member that goes, each with the number of its merge.
WITH ranked AS (
    SELECT
        g.member_id,
        first_value(g.member_id) OVER (
            PARTITION BY g.root
            ORDER BY EXISTS (SELECT 1 FROM merge_edges AS e WHERE e.loser_id = g.member_id), g.member_id
        ) AS winner_id
    FROM merge_groups AS g
)
INSERT INTO merge_pairs (loser_id, winner_id, merge_id, turn)
SELECT member_id, winner_id, nextval(pg_get_serial_sequence('members_merge', 'id')), 1
FROM ranked WHERE member_id <> winner_id ORDER BY member_id
