-- The treated of one wave, each with the content of the member's layer: candidates for the outbox.
-- Reads campaigns_participant, campaigns_layer. Leans on participant_due.
SELECT p.member_id, l.content_id
FROM campaigns_participant AS p
JOIN campaigns_layer AS l ON l.id = p.layer_id
WHERE p.run_id = %(run)s AND p.node = %(node)s AND p.due_at <= %(as_of)s AND p.member_id <= %(upto)s AND p.arm = 1
