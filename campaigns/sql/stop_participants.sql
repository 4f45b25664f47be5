-- A cancelled run: nobody waits any more, everybody stays where they were.
-- Reads and writes campaigns_participant; a re-run finds nobody. Leans on participant_due.
UPDATE campaigns_participant SET due_at = NULL WHERE run_id = %(run)s AND due_at IS NOT NULL
