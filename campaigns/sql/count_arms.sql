-- Members of each arm and layer of a run.
-- Reads campaigns_participant. Leans on participant_run_arm.
SELECT arm, layer_id, count(*) AS members FROM campaigns_participant WHERE run_id = %(run)s GROUP BY arm, layer_id
