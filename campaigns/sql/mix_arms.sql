-- Of assignments of one run that became one person's, where the arms differ: the one that stayed is of both arms.
-- Reads the pairs, members_setaside; writes campaigns_participant and, for undoing, the arm it had to members_setaside. A re-run finds none.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id)
WITH mixed AS (
    SELECT s.id, t.member_id, t.run_id, t.arm
    FROM {pairs} AS p
    JOIN members_setaside AS s ON s.merge_id = p.merge_id AND s.label = %(label)s
    JOIN campaigns_participant AS t ON t.member_id = p.winner_id AND t.run_id = (s.row ->> 'run_id')::bigint
    WHERE t.arm <> 2 AND t.arm <> (s.row ->> 'arm')::smallint
),

remembered AS (UPDATE members_setaside AS s SET row = s.row || jsonb_build_object('was', mixed.arm) FROM mixed WHERE mixed.id = s.id)

UPDATE campaigns_participant AS t SET arm = 2 FROM mixed WHERE t.member_id = mixed.member_id AND t.run_id = mixed.run_id
