-- The same as gather_attribute, for the members of a scope only.
-- Reads members_member; a plain SELECT, kept in a temporary table.
-- Leans on the primary key.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT s.member_id, floor((m.attributes ->> %(attribute)s)::numeric * 100)::bigint AS value, NULL::timestamptz AS due
FROM {scope} AS s
INNER JOIN members_member AS m ON m.id = s.member_id
WHERE
    CASE WHEN jsonb_typeof(m.attributes -> %(attribute)s) = 'number' THEN (m.attributes ->> %(attribute)s)::numeric END
    BETWEEN 0.01 AND 9e16
