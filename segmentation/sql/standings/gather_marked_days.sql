-- On how many days of the window members were active, the first of those days, and the last day they were at all.
-- Reads {marked} (member_id, days as bits, oldest, latest), a row per source; a plain SELECT, kept in a table of the run.
-- sample {marked} = SELECT id AS member_id, B'01' AS days, joined_at AS oldest, joined_at AS latest FROM members_member
SELECT
    member_id,
    coalesce(bit_count(bit_or(days)), 0)::int AS days,
    (min(oldest) AT TIME ZONE %(zone)s)::date AS oldest,
    (max(latest) AT TIME ZONE %(zone)s)::date AS latest
FROM ({marked}) AS m
GROUP BY member_id
