-- From how many points on the upper bands begin: shares of those who have points, from the top.
-- Reads {gathered} (member_id, points); writes nothing. Equal scores always fall on the same side of an edge.
-- sample {gathered} = (SELECT member_id, 1000::bigint AS points FROM members_memberstate)
-- sample {scope} = (SELECT id AS member_id FROM members_member)
SELECT
    count(*) AS members,
    percentile_disc(%(below)s::float8[]) WITHIN GROUP (ORDER BY g.points / 1000) AS edges
FROM {gathered} AS g
INNER JOIN {scope} AS s ON s.member_id = g.member_id
WHERE g.points >= 1000
