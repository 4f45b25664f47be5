-- Groups that would join two members who are said to be two people are not merged at all; their edges are set aside.
-- Reads members_notsame, members_member; moves merge_edges to merge_held and takes the groups out. A re-run finds none.
WITH apart AS (
    SELECT DISTINCT ON (a.root) a.root, a.member_id AS first_id, b.member_id AS second_id
    FROM members_notsame AS n
    JOIN members_member AS f ON f.id = n.first_id
    JOIN members_member AS s ON s.id = n.second_id
    JOIN merge_groups AS a ON a.member_id = COALESCE(f.merged_into, f.id)
    JOIN merge_groups AS b ON b.member_id = COALESCE(s.merged_into, s.id) AND b.root = a.root AND b.member_id <> a.member_id
    WHERE n.pool_id = %(pool_id)s
    ORDER BY a.root, n.id
),
gone AS (DELETE FROM merge_groups AS g USING apart WHERE g.root = apart.root RETURNING g.member_id, apart.first_id, apart.second_id),
edge AS (DELETE FROM merge_edges AS e USING gone WHERE e.loser_id = gone.member_id RETURNING e.*, gone.first_id, gone.second_id)
INSERT INTO merge_held (winner_id, loser_id, kind, value_hash, first_id, second_id)
SELECT winner_id, loser_id, kind, value_hash, first_id, second_id FROM edge
