-- Events of members low … high: the local day since 1970, times 65536, and the place of the kind among those given.
-- A part of a pool at a time, so that what is sent stays small. Reads members_event; writes nothing.
-- Leans on its key, member first.
SELECT
    member_id AS id,
    ((occurred_at AT TIME ZONE %(zone)s)::date - date '1970-01-01')::bigint * 65536
    + coalesce(array_position(%(kinds)s::text[], kind::text), 0) AS v0
FROM members_event
WHERE pool_id = %(pool)s AND member_id BETWEEN %(low)s AND %(high)s
