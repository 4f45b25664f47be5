-- What all schemes want to know of the events of each member, in one pass. Whose is asked first: each worker passes by half.
-- Reads members_event; a plain SELECT, kept in a table of the run.
-- Leans on the months of members_event; of few members, on its key.
-- sample {columns} = count(*) AS n
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    {columns}
FROM members_event
WHERE {mine} AND pool_id = %(pool_id)s AND occurred_at > %(since)s AND occurred_at <= %(as_of)s
GROUP BY member_id
