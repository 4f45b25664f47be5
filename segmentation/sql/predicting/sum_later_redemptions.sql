-- Coupons offered on the day that begins at the cutoff, and how many of them were used within the horizon: the answer to foretell.
-- Reads {scope} and {offers}; a plain SELECT, never part of what a model scores by.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {offers} = SELECT id AS member_id, pool_id, id AS offer, joined_at AS offered_at, joined_at AS redeemed_at FROM members_member
SELECT
    f.member_id,
    count(*) AS offered,
    count(*) FILTER (
        WHERE f.redeemed_at < %(cutoff)s::timestamptz + make_interval(hours => 24 * %(horizon)s::int)
    ) AS used
FROM ({offers}) AS f
INNER JOIN {scope} AS s ON s.member_id = f.member_id
WHERE
    f.pool_id = %(pool_id)s
    AND f.offered_at >= %(cutoff)s
    AND f.offered_at < %(cutoff)s::timestamptz + interval '24 hours'
GROUP BY f.member_id
