-- The last member id of the next chunk of a pool, or null when nobody is left.
-- Reads members_member (primary key); writes nothing. Merged members are rewritten too: a merge may be undone.
SELECT max(id)
FROM (
    SELECT id
    FROM members_member
    WHERE pool_id = %(pool)s AND id > %(after)s
    ORDER BY id
    LIMIT %(chunk)s
) AS next
