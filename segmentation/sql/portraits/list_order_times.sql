-- When members place paid orders, in the pool's zone: bits 0–23 the hours, 24–30 Monday to Sunday.
-- One row and one number per member. Reads members_order by order_paid_cov alone; writes nothing.
SELECT
    member_id AS id,
    bit_or(
        (1::bigint << date_part('hour', placed_at AT TIME ZONE %(zone)s)::int)
        | (1::bigint << (23 + date_part('isodow', placed_at AT TIME ZONE %(zone)s)::int))
    ) AS v0
FROM members_order
WHERE pool_id = %(pool)s AND status = 1
GROUP BY member_id
