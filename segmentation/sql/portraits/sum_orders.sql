-- What members' orders say, in one scan: when paid ones were placed (bits 0–23 the hours, 24–30 Monday to Sunday, in the
-- pool's zone), their channels as bits, how many were discounted, the share of discounts, how many were refunded.
-- Reads members_order; writes nothing. One row a member, so that workers can add up their part.
SELECT
    member_id AS id,
    bit_or(
        (1::bigint << date_part('hour', placed_at AT TIME ZONE %(zone)s)::int)
        | (1::bigint << (23 + date_part('isodow', placed_at AT TIME ZONE %(zone)s)::int))
    ) FILTER (WHERE status = 1) AS v0,
    bit_or(1::bigint << channel_id) FILTER (WHERE status = 1) AS v1,
    count(*) FILTER (WHERE status = 1 AND discount > 0) AS v2,
    CASE
        WHEN sum(amount + discount) FILTER (WHERE status = 1) > 0
            THEN floor(100 * sum(discount) FILTER (WHERE status = 1) / sum(amount + discount) FILTER (WHERE status = 1))::bigint
    END AS v3,
    count(*) FILTER (WHERE status = 2 OR refunded > 0) AS v4
FROM members_order
WHERE pool_id = %(pool)s
GROUP BY member_id
