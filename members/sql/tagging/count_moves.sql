-- Per local day since a day, how many got a tag and how many lost it.
-- Reads members_tagchange; leans on tag_change_tag.
SELECT
    (at AT TIME ZONE %(zone)s)::date AS day,
    count(*) FILTER (WHERE what = 1) AS gained,
    count(*) FILTER (WHERE what = 2) AS lost
FROM members_tagchange
WHERE tag_id = %(tag_id)s AND at >= %(since)s AND what <> 3
GROUP BY 1
ORDER BY 1
