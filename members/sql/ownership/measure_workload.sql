-- Whom every colleague looks after: members, by stage, reachable, and what those bought since an instant.
-- Reads members_member, members_memberstate, members_consent and paid orders of the span; writes nothing.
-- Each part is summed up on its own before they meet: how many there are is not known until then.
WITH carried AS MATERIALIZED (
    SELECT
        m.owner_id,
        count(*) AS members,
        count(*) FILTER (WHERE coalesce(s.stage, 0) = 0) AS leads,
        count(*) FILTER (WHERE s.stage = 1) AS active,
        count(*) FILTER (WHERE s.stage = 2) AS silent,
        count(*) FILTER (WHERE s.stage = 3) AS sleeping,
        count(*) FILTER (WHERE s.stage = 4) AS lost
    FROM members_member AS m LEFT JOIN members_memberstate AS s ON s.member_id = m.id
    WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL AND m.owner_id IS NOT NULL
    GROUP BY m.owner_id
),
reached AS MATERIALIZED (
    SELECT m.owner_id, count(*) AS reachable
    FROM members_member AS m
    WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL AND m.owner_id IS NOT NULL
    AND EXISTS (SELECT 1 FROM members_consent AS c WHERE c.member_id = m.id AND c.purpose = 'marketing' AND c.granted)
    GROUP BY m.owner_id
),
sold AS MATERIALIZED (
    SELECT m.owner_id, count(*) AS orders, sum(o.net_amount) AS sales
    FROM members_order AS o JOIN members_member AS m ON m.id = o.member_id
    WHERE o.pool_id = %(pool_id)s AND o.status = 1 AND o.placed_at >= %(since)s AND o.placed_at < %(as_of)s
    AND m.owner_id IS NOT NULL AND m.merged_into IS NULL
    GROUP BY m.owner_id
)
SELECT
    carried.*,
    coalesce(reached.reachable, 0) AS reachable,
    coalesce(sold.orders, 0) AS orders,
    coalesce(sold.sales, 0)::bigint AS sales
FROM carried LEFT JOIN reached USING (owner_id) LEFT JOIN sold USING (owner_id)
