-- The funnel of steps: a click implies an opening, an opening a delivery, a delivery a sending.
-- Reads touchpoints_delivery; writes nothing. Leans on delivery_step_status.
SELECT step_id, status, reason, count(*) AS n,
  count(coalesce(sent_at, delivered_at, opened_at, clicked_at)) AS sent,
  count(coalesce(delivered_at, opened_at, clicked_at)) AS delivered,
  count(coalesce(opened_at, clicked_at)) AS opened,
  count(clicked_at) AS clicked
FROM touchpoints_delivery WHERE step_id = ANY(%(steps)s::bigint[])
GROUP BY step_id, status, reason
