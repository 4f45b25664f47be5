-- One round: every member takes the smallest group of its neighbours, and of its group's own group.
-- Reads merge_edges; writes merge_groups. Ends when a round changes nothing: each connected set has one root.
WITH neighbour AS (
    SELECT e.winner_id AS member_id, g.root FROM merge_edges AS e JOIN merge_groups AS g ON g.member_id = e.loser_id
    UNION ALL
    SELECT e.loser_id, g.root FROM merge_edges AS e JOIN merge_groups AS g ON g.member_id = e.winner_id
    UNION ALL
    SELECT g.member_id, up.root FROM merge_groups AS g JOIN merge_groups AS up ON up.member_id = g.root
),
best AS (SELECT member_id, min(root) AS root FROM neighbour GROUP BY member_id)
UPDATE merge_groups AS g SET root = best.root FROM best WHERE best.member_id = g.member_id AND best.root < g.root
