-- One wave: members up to %(upto)s whose time at a node has come move to the next one.
-- Reads and writes campaigns_participant. A re-run moves nobody twice: those moved are no longer at the node.
-- Leans on participant_due.
UPDATE campaigns_participant
SET node = %(next)s,
    due_at = CASE
        WHEN %(leaves)s THEN NULL
        WHEN %(wait_days)s::int IS NULL THEN %(as_of)s
        ELSE entered_at + make_interval(hours => 24 * %(wait_days)s::int)
    END
WHERE run_id = %(run)s AND node = %(node)s AND due_at <= %(as_of)s AND member_id <= %(upto)s
