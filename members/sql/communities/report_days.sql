-- Take over days as a file or a program reported them, for groups whose single messages we never see.
-- Writes members_communityday. The latest report of a day holds, so the same file again changes nothing.
INSERT INTO members_communityday AS t (community_id, day, messages, senders, joins, leaves, is_reported)
SELECT r.community_id, r.day, r.messages, r.senders, coalesce(r.joins, 0), coalesce(r.leaves, 0), TRUE
FROM jsonb_to_recordset(%(days)s::jsonb)
AS r (community_id bigint, day date, messages int, senders int, joins int, leaves int)
JOIN members_community AS c ON c.id = r.community_id AND c.pool_id = %(pool_id)s
ORDER BY r.community_id, r.day
ON CONFLICT (community_id, day) DO UPDATE SET
messages = excluded.messages,
senders = excluded.senders,
joins = greatest(t.joins, excluded.joins),
leaves = greatest(t.leaves, excluded.leaves),
is_reported = TRUE
WHERE (t.messages, t.senders, t.is_reported) IS DISTINCT FROM (excluded.messages, excluded.senders, TRUE)
OR t.joins < excluded.joins OR t.leaves < excluded.leaves
RETURNING community_id, day
