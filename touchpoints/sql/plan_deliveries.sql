-- Deliveries of a step, planned or suppressed, for the candidates the policy has decided on.
-- Reads decide_candidates; writes touchpoints_delivery. A re-run adds only who is missing (primary key).
-- The caller holds the pool's planning lock, so caps hold against planners at the same time.
-- not prepared: its candidates are a query of the caller's; the policy's tests run it
WITH decided AS ({decided}),
made AS (
  INSERT INTO touchpoints_delivery
    (member_id, step_id, pool_id, content_id, status, reason, detail, attempt, next_at, day, provider_ref)
  SELECT member_id, %(step)s, %(pool)s, content_id, CASE WHEN reason IS NULL THEN 10 ELSE 95 END, coalesce(reason, ''), '', 0,
    %(slot)s, CASE WHEN reason IS NULL AND %(capped)s THEN %(day)s::date END, ''
  FROM decided
  WHERE reason IS DISTINCT FROM 'unknown_member'
  ON CONFLICT (member_id, step_id) DO NOTHING
  RETURNING reason
)
SELECT coalesce(reason, '') AS reason, count(*) AS n, (SELECT count(*) FROM made) AS written FROM decided GROUP BY 1
