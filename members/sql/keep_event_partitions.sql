-- Make the monthly partitions of events that are missing, and move waiting rows into them.
-- Reads and writes members_event and its partitions through the function of migration 0003_people.
-- A re-run finds every partition in place and makes none.
SELECT keep_event_partitions(%(as_of)s, %(months)s)
