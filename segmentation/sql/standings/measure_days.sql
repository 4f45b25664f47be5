-- Thirds of those active in the window, by how many days they were.
-- Reads {gathered} (gather_days); writes nothing. Equal numbers always fall on the same side of an edge.
-- sample {gathered} = (SELECT member_id, code::int AS days FROM members_memberstanding)
SELECT
    percentile_disc(ARRAY[0.3333, 0.6667]) WITHIN GROUP (ORDER BY days) AS days,
    count(*) AS active
FROM {gathered} AS g
WHERE days > 0
