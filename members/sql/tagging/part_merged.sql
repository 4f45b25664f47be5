-- A merge of tags is taken back: the target goes from those who got it by the merge and have it unchanged.
-- Reads members_mergedtag; writes members_membertag and its history; how many. A re-run finds none.
-- Leans on members_mergedtag_merge_id and the key (member, tag).
WITH gone AS (
    DELETE FROM members_membertag AS t USING members_mergedtag AS k
    WHERE k.merge_id = %(merge_id)s AND NOT k.had
    AND t.member_id = k.member_id AND t.tag_id = %(target_id)s AND t.at = k.at AND t.by_id IS NOT DISTINCT FROM k.by_id
    RETURNING t.member_id
)
INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, by_id, ref)
SELECT member_id, nextval('members_tagchange_id_seq'), %(target_id)s, 2, 9, %(as_of)s, %(actor_id)s::bigint, %(merge_id)s FROM gone
