-- How members answered earlier coupons and what they bought before a cutoff: a row for each who bought within six horizons.
-- Reads {scope}, members_order and {offers}; a plain SELECT. Coupons count once somebody is known to have used them.
-- Nothing after the cutoff is looked at. Leans on the key of members_order (member first), or on one scan of it.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {offers} = SELECT id AS member_id, pool_id, id AS offer, joined_at AS offered_at, joined_at AS redeemed_at FROM members_member
WITH paid AS (
    SELECT
        o.member_id,
        o.id,
        date_part('epoch', %(cutoff)s::timestamptz - o.placed_at) / 86400 AS age,
        o.amount - CASE WHEN o.refunded_at <= %(cutoff)s THEN o.refunded ELSE 0 END AS paid,
        o.discount
    FROM {scope} AS s
    INNER JOIN members_order AS o ON o.member_id = s.member_id
    WHERE
        o.pool_id = %(pool_id)s
        AND o.placed_at <= %(cutoff)s
        AND o.placed_at > %(cutoff)s::timestamptz - make_interval(hours => 144 * %(horizon)s::int)
        AND (o.status = 1 OR (o.status = 2 AND coalesce(o.refunded_at, o.status_at) > %(cutoff)s))
),

known AS (
    SELECT f.offer
    FROM ({offers}) AS f
    WHERE f.pool_id = %(pool_id)s AND f.offered_at < %(cutoff)s
    GROUP BY f.offer
    HAVING bool_or(f.redeemed_at < %(cutoff)s)
),

answers AS (
    SELECT
        f.member_id,
        count(*) AS offers,
        count(*) FILTER (WHERE f.redeemed_at < %(cutoff)s) AS redeemed,
        min(date_part('epoch', %(cutoff)s::timestamptz - f.redeemed_at) / 86400)
            FILTER (WHERE f.redeemed_at < %(cutoff)s) AS redeemed_ago
    FROM ({offers}) AS f
    INNER JOIN known AS k ON k.offer = f.offer
    INNER JOIN {scope} AS s ON s.member_id = f.member_id
    WHERE
        f.pool_id = %(pool_id)s
        AND f.offered_at < %(cutoff)s
        AND f.offered_at > %(cutoff)s::timestamptz - interval '366 days'
    GROUP BY f.member_id
),

whole AS (
    SELECT
        member_id,
        min(age) AS recency,
        max(age) AS tenure,
        count(*) FILTER (WHERE age < %(horizon)s) AS n1,
        count(*) FILTER (WHERE age < 3 * %(horizon)s) AS n3,
        count(*) AS n6,
        coalesce(sum(paid) FILTER (WHERE age < %(horizon)s), 0) AS a1,
        coalesce(sum(paid) FILTER (WHERE age < 3 * %(horizon)s), 0) AS a3,
        sum(paid) AS a6,
        coalesce(sum(discount) FILTER (WHERE age < %(horizon)s), 0) AS d1,
        sum(discount) AS d6
    FROM paid
    GROUP BY member_id
)

SELECT
    w.*,
    coalesce(a.offers, 0) AS offers,
    coalesce(a.redeemed, 0) AS redeemed,
    coalesce(a.redeemed_ago, 9999) AS redeemed_ago
FROM whole AS w
LEFT JOIN answers AS a ON a.member_id = w.member_id
