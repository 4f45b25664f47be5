-- On how many days of the window members were active, the first of those days, and the last day they were at all.
-- Reads {acts} (member_id, at); a plain SELECT, kept in a table of the run. Days are the pool's.
-- sample {acts} = SELECT member_id, placed_at AS at FROM members_order WHERE {mine}
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    (count(*) FILTER (WHERE day > %(window_from)s::date))::int AS days,
    min(day) FILTER (WHERE day > %(window_from)s::date) AS oldest,
    max(day) AS latest
FROM (SELECT DISTINCT a.member_id, (a.at AT TIME ZONE %(zone)s)::date AS day FROM ({acts}) AS a) AS d
GROUP BY member_id
