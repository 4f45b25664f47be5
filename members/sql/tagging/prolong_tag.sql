-- Carriers who are tagged anew keep the tag longer; how many.
-- Writes members_membertag and its history; a re-run finds nobody whose time ends earlier. Leans on the key (member, tag).
WITH longer AS (
    UPDATE members_membertag SET due = %(due)s
    WHERE tag_id = %(tag_id)s AND member_id = ANY(%(ids)s::bigint[]) AND due < %(due)s
    RETURNING member_id
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
    SELECT member_id, nextval('members_tagchange_id_seq'), %(tag_id)s, 3, %(how)s, %(as_of)s, %(by_id)s, %(ref)s::bigint
    FROM longer
)
SELECT count(*) FROM longer
