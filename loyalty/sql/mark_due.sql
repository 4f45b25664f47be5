-- Members of orders that were just written owe a look at their points.
-- Reads the import's table of orders; writes loyalty_duemember. A re-run adds nobody twice.
-- sample {written} = (SELECT 1::bigint AS member_id)
INSERT INTO loyalty_duemember (member_id, pool_id)
SELECT DISTINCT
    w.member_id,
    %(pool_id)s::bigint
FROM {written} AS w
ORDER BY w.member_id
ON CONFLICT (member_id) DO NOTHING
