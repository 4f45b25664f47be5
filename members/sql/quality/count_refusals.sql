-- Rows that imports refused since an instant, per source and code, with the latest import that refused such a row.
-- Reads members_importrun (import_pool_created) and members_importreject (reject_run_line); writes nothing.
SELECT
    coalesce(run.channel_id, -1) AS source,
    bad.code,
    count(*) AS n,
    max(run.id) AS latest
FROM members_importrun AS run
INNER JOIN members_importreject AS bad ON run.id = bad.run_id
WHERE run.pool_id = %(pool)s AND run.created_at >= %(since)s
GROUP BY coalesce(run.channel_id, -1), bad.code
ORDER BY n DESC, bad.code
