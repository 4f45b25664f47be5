-- How many pages a table has now.
SELECT (pg_relation_size(%(table)s::regclass) + 8191) / 8192
