-- Members of the given pairs that are not in the pool.
SELECT count(*) FROM merge_groups AS g
LEFT JOIN members_member AS m ON m.id = g.member_id AND m.pool_id = %(pool_id)s
WHERE m.id IS NULL
