-- On how many days of the window members were active, the first of those days, and the last day they were at all.
-- Reads {marked} (member_id, days as bits, latest), a row per source; a plain SELECT, kept in a table of the run.
-- The first bit is of the day after %(before)s.
-- sample {marked} = SELECT id AS member_id, B'01' AS days, joined_at AS latest FROM members_member
SELECT
    d.member_id,
    coalesce(bit_count(d.days), 0)::int AS days,
    %(before)s::date + nullif(position(B'1' IN d.days), 0) AS oldest,
    (d.latest AT TIME ZONE %(zone)s)::date AS latest
FROM (SELECT m.member_id, bit_or(m.days) AS days, max(m.latest) AS latest FROM ({marked}) AS m GROUP BY m.member_id) AS d
