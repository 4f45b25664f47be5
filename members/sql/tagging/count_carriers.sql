-- Per tag of some: when it was given last, how many lose it within a week, and the ids of its carriers, four bytes each, in one value.
-- One scan for all that is said of tags: how many have one, how many any of a group, which are alike.
-- Reads members_membertag; writes nothing. Leans on member_tag_tag where the pool has few of all tags.
SELECT
    tag_id,
    max(at) AS latest,
    count(*) FILTER (WHERE due < %(soon)s) AS ending,
    string_agg(int4send((member_id - CASE WHEN member_id > 2147483647 THEN 4294967296 ELSE 0 END)::int4), ''::bytea) AS packed
FROM members_membertag
WHERE tag_id = ANY(%(tags)s::bigint[])
GROUP BY tag_id
