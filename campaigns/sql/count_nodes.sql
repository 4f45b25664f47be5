-- How many members stand at each node of a run, and how many of them still wait.
-- Reads campaigns_participant. Leans on participant_run_arm.
SELECT node, count(*) AS members, count(due_at) AS waiting FROM campaigns_participant WHERE run_id = %(run)s GROUP BY node
