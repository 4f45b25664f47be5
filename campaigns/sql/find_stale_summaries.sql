-- Runs whose kept figures are out of date: never made, moving for a minute, ended since, or with newer orders.
-- Reads campaigns_run, campaigns_campaign, members_dataversion; writes nothing.
SELECT r.id
FROM campaigns_run AS r
JOIN campaigns_campaign AS c ON c.id = r.campaign_id
LEFT JOIN members_dataversion AS v ON v.pool_id = c.pool_id AND v.domain = 'orders'
WHERE
    r.entered > 0
    AND (
        NOT r.summary ? 'at'
        OR (
            (r.summary ->> 'at')::timestamptz < %(stale)s
            AND (r.phase = 'advancing' OR (r.summary ->> 'orders')::bigint <> coalesce(v.version, 1))
        )
        OR (r.summary ->> 'at')::timestamptz < r.finished_at
    )
ORDER BY r.id DESC
LIMIT 5
