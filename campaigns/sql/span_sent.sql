-- When the first and the last message of some steps left.
-- Reads touchpoints_delivery. Leans on delivery_step_status.
SELECT min(sent_at) AS first, max(sent_at) AS last FROM touchpoints_delivery WHERE step_id = ANY(%(steps)s)
