-- How often members bought, and when they did so for the first, second … time.
-- Reads {purchases} (member_id, at): orders, or days with orders; a plain SELECT, kept in a table of the run.
-- Leans on order_paid_cov: an index-only scan in the order of the members.
-- sample {purchases} = SELECT member_id, placed_at AS at FROM members_order WHERE {mine}
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    count(*)::int AS purchases,
    (array_agg(at ORDER BY at))[1:%(steps)s] AS reached
FROM ({purchases}) AS p
GROUP BY member_id
