-- Quiet hours have begun: what waits goes on at their end.
-- Writes touchpoints_delivery. A re-run finds nothing earlier than the slot. Leans on delivery_open.
UPDATE touchpoints_delivery SET next_at = %(slot)s WHERE step_id = %(step)s AND status = 10 AND next_at < %(slot)s
