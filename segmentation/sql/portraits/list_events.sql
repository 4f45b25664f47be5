-- Who did what when, from start to end; as of some days at a time, so that what is sent stays small.
-- Reads members_event by its index alone; writes nothing. Leans on event_pool_kind.
SELECT
    member_id AS id,
    kind AS v0,
    occurred_at AS at
FROM members_event
WHERE pool_id = %(pool)s AND occurred_at >= %(start)s AND occurred_at < %(end)s
