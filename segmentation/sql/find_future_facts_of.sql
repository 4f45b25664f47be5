-- The same as find_future_facts, for the members of a scope only.
-- Reads members_order, members_event, members_communityevent; a plain SELECT, kept in a temporary table.
-- Leans on order_paid_cov and the keys, member first: a look at the end of each member's orders and at the months to come.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    s.member_id,
    f.at
FROM {scope} AS s
CROSS JOIN LATERAL (
    SELECT least(
        (
            SELECT min(o.placed_at)
            FROM members_order AS o
            WHERE o.pool_id = %(pool_id)s AND o.member_id = s.member_id AND o.status = 1 AND o.placed_at > %(as_of)s
        ),
        (
            SELECT min(e.occurred_at)
            FROM members_event AS e
            WHERE e.pool_id = %(pool_id)s AND e.member_id = s.member_id AND e.occurred_at > %(as_of)s
        ),
        (SELECT min(c.at) FROM members_communityevent AS c WHERE c.member_id = s.member_id AND c.at > %(as_of)s)
    ) AS at
) AS f
WHERE f.at IS NOT NULL
