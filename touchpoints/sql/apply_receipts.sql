-- Receipts as they came, each kept once, and what they say of their deliveries. Only forward: a late "delivered" never undoes
-- "read"; an opening proves that an unknown sending arrived. Out-of-order and repeated receipts end in the same row.
-- Reads and writes touchpoints_receipt, touchpoints_delivery. A re-run finds the digests. Leans on the primary keys and the digest.
WITH given AS (
  SELECT DISTINCT ON (g.digest) g.digest, d.member_id, g.step_id, g.kind, g.at, g.detail
  FROM unnest(%(digests)s::bytea[], %(members)s::bigint[], %(steps)s::bigint[], %(kinds)s::text[], %(ats)s::timestamptz[], %(details)s::text[])
    AS g (digest, member_id, step_id, kind, at, detail)
  -- The row that left under this number, else the member's own, else that of whom the member became.
  CROSS JOIN LATERAL (
    SELECT x.member_id FROM (
      SELECT 1 AS n, a.member_id FROM touchpoints_delivery AS a WHERE a.sent_as = g.member_id AND a.step_id = g.step_id
      UNION ALL
      SELECT 2, b.member_id FROM touchpoints_delivery AS b WHERE b.member_id = g.member_id AND b.step_id = g.step_id
      UNION ALL
      SELECT 3, c.member_id FROM members_member AS m JOIN touchpoints_delivery AS c ON c.member_id = m.merged_into AND c.step_id = g.step_id
      WHERE m.id = g.member_id) AS x
    ORDER BY x.n LIMIT 1) AS d
  JOIN touchpoints_step AS s ON s.id = g.step_id AND (%(connector)s::bigint IS NULL OR s.connector_id = %(connector)s)
  ORDER BY g.digest),
fresh AS (
  INSERT INTO touchpoints_receipt (digest, connector_id, member_id, step_id, kind, at, data)
  SELECT digest, %(connector)s, member_id, step_id, kind, at, CASE WHEN detail = '' THEN '{}'::jsonb ELSE jsonb_build_object('detail', detail) END
  FROM given ON CONFLICT (digest) DO NOTHING
  RETURNING member_id, step_id, kind, at, data ->> 'detail' AS detail),
said AS (
  SELECT member_id, step_id, min(at) AS first_at,
    min(at) FILTER (WHERE kind IN ('delivered', 'read', 'clicked')) AS arrived_at,
    min(at) FILTER (WHERE kind IN ('read', 'clicked')) AS read_at,
    min(at) FILTER (WHERE kind = 'clicked') AS clicked_at,
    min(at) FILTER (WHERE kind IN ('failed', 'bounced')) AS failed_at,
    min(kind) FILTER (WHERE kind IN ('failed', 'bounced')) AS failure, min(detail) AS detail
  FROM fresh GROUP BY member_id, step_id),
applied AS (
  UPDATE touchpoints_delivery AS d
  SET sent_at = CASE WHEN p.arrived_at IS NULL THEN d.sent_at ELSE coalesce(d.sent_at, least(d.tried_at, p.arrived_at)) END,
    delivered_at = least(d.delivered_at, p.arrived_at), opened_at = least(d.opened_at, p.read_at),
    clicked_at = least(d.clicked_at, p.clicked_at),
    status = CASE WHEN p.clicked_at IS NOT NULL THEN 70
      WHEN p.read_at IS NOT NULL THEN greatest(60, CASE WHEN d.status <= 70 THEN d.status END)
      WHEN p.failed_at IS NOT NULL AND d.status IN (30, 40, 50, 80) THEN 90
      WHEN p.arrived_at IS NOT NULL AND d.status <> 90 THEN greatest(50, CASE WHEN d.status <= 70 THEN d.status END)
      ELSE d.status END,
    reason = CASE WHEN p.failed_at IS NOT NULL AND p.read_at IS NULL AND d.status IN (30, 40, 50, 80) THEN p.failure
      WHEN p.read_at IS NOT NULL OR (p.arrived_at IS NOT NULL AND d.status <> 90) THEN '' ELSE d.reason END,
    detail = coalesce(left(p.detail, 200), d.detail),
    failed_at = CASE WHEN p.failed_at IS NOT NULL AND d.status IN (30, 40, 50, 80) THEN coalesce(d.failed_at, p.failed_at) ELSE d.failed_at END,
    unsure_since = CASE WHEN p.arrived_at IS NULL THEN d.unsure_since END
  FROM said AS p
  WHERE d.member_id = p.member_id AND d.step_id = p.step_id
    AND (d.status IN (30, 35, 40, 50, 60, 70, 80, 90) OR d.unsure_since IS NOT NULL)
  RETURNING d.pool_id)
SELECT f.member_id, f.step_id, f.kind, f.at, f.detail, (SELECT min(pool_id) FROM applied) AS pool_id FROM fresh AS f
