-- Remember which values stood together, so that the order files arrive in does not matter to the guard.
-- Reads the run's met table; writes members_meeting. A re-run finds them there.
INSERT INTO members_meeting (pool_id, kind, value, other_kind, other)
SELECT DISTINCT %(pool)s, kind, value, other_kind, other FROM {met} ORDER BY kind, value, other_kind, other
ON CONFLICT DO NOTHING
