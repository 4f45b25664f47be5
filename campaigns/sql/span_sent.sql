-- When the first and the last message of some steps left, and how many did.
-- Reads touchpoints_delivery. Leans on delivery_step_status.
SELECT min(sent_at) AS first, max(sent_at) AS last, count(sent_at) AS sent FROM touchpoints_delivery WHERE step_id = ANY(%(steps)s)
