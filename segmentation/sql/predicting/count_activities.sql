-- Orders of members between two instants, and how many of them fell into something that was on: a campaign that had reached
-- the member, a deep discount, or a day on which the member joined in (events of the kinds asked for). In two halves by chance.
-- Reads {scope}, members_order, members_event and {offers}; a plain SELECT. Nothing after `until` is looked at.
-- Leans on the keys of orders and events (member first), or on one scan of them for everybody.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {offers} = SELECT id AS member_id, pool_id, id AS offer, joined_at AS offered_at, joined_at AS redeemed_at FROM members_member
-- sample {orders} = members_order
-- sample {events} = members_event
WITH paid AS (
    SELECT
        o.member_id,
        o.id,
        o.placed_at,
        (o.placed_at AT TIME ZONE %(zone)s)::date AS day,
        o.discount > 0 AND o.discount * 100 >= (o.amount + o.discount) * %(deep)s::int AS cheap
    FROM {scope} AS s
    INNER JOIN {orders} AS o ON o.member_id = s.member_id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.placed_at > %(since)s
        AND o.placed_at <= %(until)s
        AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > %(until)s))
),

joined AS (
    SELECT DISTINCT
        e.member_id,
        (e.occurred_at AT TIME ZONE %(zone)s)::date AS day
    FROM {scope} AS s
    INNER JOIN {events} AS e ON e.member_id = s.member_id
    WHERE
        e.pool_id = %(pool_id)s
        AND e.occurred_at > %(since)s
        AND e.occurred_at <= %(until)s
        AND e.kind = ANY(%(kinds)s::text[])
),

reached AS (
    SELECT DISTINCT
        p.member_id,
        p.id
    FROM ({offers}) AS f
    INNER JOIN paid AS p ON p.member_id = f.member_id
    WHERE
        f.pool_id = %(pool_id)s
        AND f.offered_at <= p.placed_at
        AND f.offered_at > p.placed_at - make_interval(days => %(within)s::int)
),

told AS (
    SELECT
        p.member_id,
        p.id & 1 AS half,
        p.placed_at > %(until)s::timestamptz - make_interval(hours => 24 * %(horizon)s::int) AS lately,
        p.cheap OR r.id IS NOT NULL OR j.day IS NOT NULL AS hit
    FROM paid AS p
    LEFT JOIN reached AS r ON r.member_id = p.member_id AND r.id = p.id
    LEFT JOIN joined AS j ON j.member_id = p.member_id AND j.day = p.day
)

SELECT
    member_id,
    count(*) AS seen,
    count(*) FILTER (WHERE hit) AS hits,
    count(*) FILTER (WHERE lately) AS seen_last,
    count(*) FILTER (WHERE lately AND hit) AS hits_last,
    count(*) FILTER (WHERE half = 0) AS seen_a,
    count(*) FILTER (WHERE half = 0 AND hit) AS hits_a,
    count(*) FILTER (WHERE half = 1) AS seen_b,
    count(*) FILTER (WHERE half = 1 AND hit) AS hits_b
FROM told
GROUP BY member_id
