-- Where head and waist begin: a value is in a tier when those above it carry less than the tier's share (or are fewer).
-- Reads {valued} (member_id, value, due); writes nothing. Equal values always fall on the same side of an edge.
-- One row per distinct value first: sums over those are exact in any order.
-- sample {valued} = (SELECT member_id, value FROM members_memberstanding)
WITH histogram AS (
    SELECT value, count(*) AS members, sum(value) AS amount
    FROM {valued} AS v
    WHERE value > 0
    GROUP BY value
),

ranked AS (
    SELECT
        value,
        members,
        amount,
        sum(amount) OVER () AS total,
        sum(members) OVER () AS everybody,
        coalesce(sum(amount) OVER higher, 0) AS amount_above,
        coalesce(sum(members) OVER higher, 0) AS members_above
    FROM histogram
    WINDOW higher AS (ORDER BY value DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),

placed AS (
    SELECT
        *,
        CASE WHEN %(by_members)s THEN members_above * 100 < everybody * %(head)s ELSE amount_above * 100 < total * %(head)s END
            AS is_head,
        CASE WHEN %(by_members)s THEN members_above * 100 < everybody * %(waist)s ELSE amount_above * 100 < total * %(waist)s END
            AS is_waist
    FROM ranked
)

SELECT
    coalesce(max(total), 0) AS total,
    coalesce(max(everybody), 0) AS members,
    min(value) FILTER (WHERE is_head) AS head_from,
    min(value) FILTER (WHERE is_waist) AS waist_from,
    coalesce(min(value), 0) AS tail_from,
    coalesce(sum(members) FILTER (WHERE is_head), 0) AS head_members,
    coalesce(sum(amount) FILTER (WHERE is_head), 0) AS head_value,
    coalesce(sum(members) FILTER (WHERE is_waist AND NOT is_head), 0) AS waist_members,
    coalesce(sum(amount) FILTER (WHERE is_waist AND NOT is_head), 0) AS waist_value,
    coalesce(sum(members) FILTER (WHERE NOT is_waist), 0) AS tail_members,
    coalesce(sum(amount) FILTER (WHERE NOT is_waist), 0) AS tail_value
FROM placed
