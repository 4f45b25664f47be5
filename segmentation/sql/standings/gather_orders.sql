-- What all schemes want to know of the paid orders of each member, in one pass.
-- Reads members_order; a plain SELECT, kept in a table of the run.
-- Leans on order_paid_cov: an index-only scan in the order of the members, and of time for each.
-- sample {columns} = count(*) AS n
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    {columns}
FROM members_order
WHERE pool_id = %(pool_id)s AND status = 1 AND placed_at > %(since)s AND placed_at <= %(as_of)s AND {mine}
GROUP BY member_id
