-- The first fact dated after the instant, of each member with one: when what is known of them changes by itself.
-- Reads members_order, members_event, members_communityevent; a plain SELECT, kept in a table of the run (hardly ever more
-- than a few rows). Leans on order_placed_brin (only blocks that hold a later date are opened; "+ 0" keeps the planner from
-- walking the whole of order_paid_cov instead, which has no date in front: 50 times slower on 10M orders), on the months of
-- members_event and on community_event_at.
SELECT
    f.member_id,
    min(f.at) AS at
FROM (
    SELECT member_id, placed_at AS at
    FROM members_order
    WHERE pool_id = %(pool_id)s AND status + 0 = 1 AND placed_at > %(as_of)s
    UNION ALL
    SELECT member_id, occurred_at
    FROM members_event
    WHERE pool_id = %(pool_id)s AND occurred_at > %(as_of)s
    UNION ALL
    SELECT c.member_id, c.at
    FROM members_community AS g
    INNER JOIN members_communityevent AS c ON c.community_id = g.id
    WHERE g.pool_id = %(pool_id)s AND c.at > %(as_of)s
) AS f
GROUP BY f.member_id
