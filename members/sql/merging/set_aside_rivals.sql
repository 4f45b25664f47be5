-- Members about to become one carry different tags of an exclusive group: the one given last stays, the others are set aside.
-- Reads merge_pairs, merge_winners, members_tag, members_taggroup; writes members_membertag, its history, members_setaside.
-- A re-run finds one tag per person and group. Leans on the key (member, tag).
WITH persons AS (
    SELECT p.winner_id AS person, p.loser_id AS member_id, p.merge_id FROM merge_pairs AS p
    UNION ALL
    SELECT w.winner_id, w.winner_id, NULL FROM merge_winners AS w
),
ranked AS (
    SELECT
        p.member_id,
        t.tag_id,
        first_value(t.tag_id) OVER best AS stays,
        coalesce(p.merge_id, first_value(p.merge_id) OVER best, max(p.merge_id) OVER (PARTITION BY p.person)) AS merge_id
    FROM persons AS p
    INNER JOIN members_membertag AS t ON t.member_id = p.member_id
    INNER JOIN members_tag AS tag ON tag.id = t.tag_id
    INNER JOIN members_taggroup AS g ON g.id = tag.group_id AND g.is_exclusive
    WINDOW best AS (PARTITION BY p.person, tag.group_id ORDER BY t.at DESC, t.member_id = p.person DESC, t.tag_id DESC)
),
gone AS (
    DELETE FROM members_membertag AS t USING ranked AS r
    WHERE r.tag_id <> r.stays AND r.merge_id IS NOT NULL AND t.member_id = r.member_id AND t.tag_id = r.tag_id
    RETURNING r.merge_id, t.member_id, t.tag_id, to_jsonb(t) AS was
),
noted AS (
    INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, ref)
    SELECT member_id, nextval('members_tagchange_id_seq'), tag_id, 2, 11, %(as_of)s, merge_id FROM gone
)
INSERT INTO members_setaside (merge_id, label, owner_id, hash, row)
SELECT merge_id, 'members.MemberTag', member_id, 0, was FROM gone
