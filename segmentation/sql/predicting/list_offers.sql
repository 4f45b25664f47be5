-- Days on which coupons were offered, to how many, and how many used one within the horizon; days whose horizon is over.
-- Reads {offers}; a plain SELECT.
-- sample {offers} = SELECT id AS member_id, pool_id, id AS offer, joined_at AS offered_at, joined_at AS redeemed_at FROM members_member
SELECT
    date_trunc('day', f.offered_at AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s AS day_at,
    count(DISTINCT f.member_id) AS offered,
    count(DISTINCT f.member_id) FILTER (
        WHERE f.redeemed_at < f.offered_at + make_interval(hours => 24 * %(horizon)s::int)
    ) AS used
FROM ({offers}) AS f
WHERE f.pool_id = %(pool_id)s AND f.offered_at + make_interval(hours => 24 * %(horizon)s::int) <= %(cutoff)s
GROUP BY 1
ORDER BY 1
