-- A full run computes everybody: nobody of the pool has to wait any longer, but whom somebody is writing to right now.
-- Writes members_touchedmember. A re-run finds who was touched since, and the run that follows reads their facts.
DELETE FROM members_touchedmember
WHERE member_id IN (
    SELECT w.member_id FROM members_touchedmember AS w WHERE w.pool_id = %(pool_id)s FOR UPDATE SKIP LOCKED
)
