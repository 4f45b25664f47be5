-- Whom a file named, once each: member ids of eight bytes in one value.
-- Reads the table an import wrote from, which is kept while the import can be taken back.
-- sample {table} = members_membertag
SELECT string_agg(int8send(named.member_id), '') AS packed
FROM (SELECT DISTINCT member_id FROM {table} WHERE member_id IS NOT NULL) AS named
