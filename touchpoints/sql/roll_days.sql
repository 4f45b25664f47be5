-- Marketing messages that were kept past their day: today's cap must have room for them, or they are suppressed.
-- Reads and writes touchpoints_delivery under the pool's planning lock. A re-run finds nothing of an earlier day. Leans on delivery_open.
WITH late AS (
  SELECT d.member_id FROM touchpoints_delivery AS d
  WHERE d.step_id = %(step)s AND d.status = 10 AND d.next_at <= %(now)s AND d.day < %(today)s::date),
room AS (
  SELECT l.member_id,
    CASE WHEN count(o.step_id) FILTER (WHERE o.day = %(today)s::date) >= %(cap_day)s THEN 'cap_day'
      WHEN count(o.step_id) >= %(cap_week)s THEN 'cap_week' END AS reason
  FROM late AS l LEFT JOIN touchpoints_delivery AS o ON o.member_id = l.member_id AND o.step_id <> %(step)s
    AND o.day BETWEEN %(today)s::date - 6 AND %(today)s::date + 6 AND o.status NOT IN (90, 95, 99)
  GROUP BY l.member_id)
UPDATE touchpoints_delivery AS d
SET day = CASE WHEN r.reason IS NULL THEN %(today)s::date END, status = CASE WHEN r.reason IS NULL THEN 10 ELSE 95 END,
  reason = coalesce(r.reason, '')
FROM room AS r WHERE d.step_id = %(step)s AND d.member_id = r.member_id AND d.status = 10
