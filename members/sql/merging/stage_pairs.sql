-- Take the pairs as given, each member replaced by the one it was merged into before.
-- Reads the {given} pairs and members_member; writes merge_edges and one group per member.
-- Runs once per act on emptied tables.
-- sample {given} = SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, ''::text AS kind, NULL::bytea AS value_hash
WITH given AS ({given}), edge AS (
    INSERT INTO merge_edges (winner_id, loser_id, kind, value_hash)
    SELECT DISTINCT ON (COALESCE(w.merged_into, given.winner_id), COALESCE(l.merged_into, given.loser_id))
        COALESCE(w.merged_into, given.winner_id), COALESCE(l.merged_into, given.loser_id), COALESCE(given.kind, ''), given.value_hash
    FROM given
    LEFT JOIN members_member AS w ON w.id = given.winner_id
    LEFT JOIN members_member AS l ON l.id = given.loser_id
    WHERE COALESCE(w.merged_into, given.winner_id) <> COALESCE(l.merged_into, given.loser_id)
    ORDER BY 1, 2, 3, 4
    RETURNING winner_id, loser_id
)
INSERT INTO merge_groups (member_id, root)
SELECT winner_id, winner_id FROM edge UNION SELECT loser_id, loser_id FROM edge
