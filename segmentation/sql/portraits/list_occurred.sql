-- Which kinds of events members have.
-- Reads members_event; writes nothing. Leans on the index of kinds, which holds all it needs.
SELECT
    member_id AS id,
    kind AS v0
FROM members_event
WHERE pool_id = %(pool)s
GROUP BY member_id, kind
