-- A number of the pool's own fields, in hundredths, of the members who have one.
-- Reads members_member; a plain SELECT, kept in a table of the run.
-- Leans on member_live; of few members, on the primary key.
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT member_id, floor((attributes ->> %(attribute)s)::numeric * 100)::bigint AS value, NULL::timestamptz AS due
FROM (SELECT id AS member_id, attributes FROM members_member WHERE pool_id = %(pool_id)s AND merged_into IS NULL) AS m
WHERE
    {mine}
    AND CASE WHEN jsonb_typeof(attributes -> %(attribute)s) = 'number' THEN (attributes ->> %(attribute)s)::numeric END
    BETWEEN 0.01 AND 9e16
