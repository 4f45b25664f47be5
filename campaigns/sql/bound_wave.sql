-- Up to which member the next wave at a node goes; null when nobody is due.
-- Reads campaigns_participant. Leans on participant_due.
SELECT max(member_id)
FROM (
    SELECT member_id
    FROM campaigns_participant
    WHERE run_id = %(run)s AND node = %(node)s AND due_at <= %(as_of)s
    ORDER BY member_id
    LIMIT %(limit)s
) AS due
