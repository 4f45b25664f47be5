-- A merge of tags is taken back: the source's carriers have it again as it was, unless a rival or the end of its time came.
-- Reads members_mergedtag, members_member; writes members_membertag and its history; how many. A re-run adds nobody.
-- Leans on members_mergedtag_merge_id and the key (member, tag).
WITH back AS (
    INSERT INTO members_membertag (member_id, tag_id, at, by_id, due)
    SELECT k.member_id, %(source_id)s, k.at, k.by_id, k.due
    FROM members_mergedtag AS k
    INNER JOIN members_member AS m ON m.id = k.member_id AND m.merged_into IS NULL
    WHERE k.merge_id = %(merge_id)s AND (k.due IS NULL OR k.due > %(as_of)s)
    AND NOT EXISTS (
        SELECT 1 FROM members_membertag AS r WHERE r.member_id = k.member_id AND r.tag_id = ANY(%(rivals)s::bigint[])
    )
    ORDER BY k.member_id
    ON CONFLICT (member_id, tag_id) DO NOTHING
    RETURNING member_id
)
INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
SELECT member_id, nextval('members_tagchange_id_seq'), %(source_id)s, 1, 9, %(as_of)s, %(actor_id)s::bigint, %(merge_id)s FROM back
