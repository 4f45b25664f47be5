-- Whom every colleague looks after: members, by stage, reachable, and what those bought since an instant.
-- Reads members_member, members_memberstate, members_consent and paid orders of the span; writes nothing.
-- One pass over the pool's owned members, whatever the number of colleagues.
WITH mine AS (
    SELECT m.id, m.owner_id, coalesce(s.stage, 0) AS stage, s.rfm_group
    FROM members_member AS m LEFT JOIN members_memberstate AS s ON s.member_id = m.id
    WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL AND m.owner_id IS NOT NULL
),
agreed AS (
    SELECT DISTINCT member_id FROM members_consent WHERE purpose = 'marketing' AND granted
),
carried AS (
    SELECT
        mine.owner_id,
        count(*) AS members,
        count(*) FILTER (WHERE mine.stage = 0) AS leads,
        count(*) FILTER (WHERE mine.stage = 1) AS active,
        count(*) FILTER (WHERE mine.stage = 2) AS silent,
        count(*) FILTER (WHERE mine.stage = 3) AS sleeping,
        count(*) FILTER (WHERE mine.stage = 4) AS lost,
        count(agreed.member_id) AS reachable
    FROM mine LEFT JOIN agreed ON agreed.member_id = mine.id
    GROUP BY mine.owner_id
),
sold AS (
    SELECT m.owner_id, count(*) AS orders, sum(o.net_amount) AS sales
    FROM members_order AS o JOIN members_member AS m ON m.id = o.member_id
    WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at >= %(since)s AND o.placed_at < %(as_of)s
    AND m.owner_id IS NOT NULL AND m.merged_into IS NULL
    GROUP BY m.owner_id
)
SELECT carried.*, coalesce(sold.orders, 0) AS orders, coalesce(sold.sales, 0)::bigint AS sales
FROM carried LEFT JOIN sold USING (owner_id)
