-- Messages a sandbox or the fake provider took: one row per key, repeats only counted.
-- Writes touchpoints_recorded. A re-run adds to `times` and nothing else. Leans on recorded_once_per_key.
INSERT INTO touchpoints_recorded (connector_id, key, hint, subject, body, times, at)
SELECT %(connector)s, given.key, given.hint, given.subject, given.body, 1, %(at)s
FROM unnest(%(keys)s::text[], %(hints)s::text[], %(subjects)s::text[], %(bodies)s::text[])
  AS given (key, hint, subject, body)
ON CONFLICT (connector_id, key) DO UPDATE SET times = touchpoints_recorded.times + 1
