-- Members are parted again: what gave way for the sake of an exclusive group comes back, and its history says so.
-- Reads undo_pairs, members_setaside; writes members_tagchange. Once an undoing, before the rows come back.
INSERT INTO members_tagchange (member_id, id, tag_id, what, how, at, ref)
SELECT s.owner_id, nextval('members_tagchange_id_seq'), c.tag_id, 1, 9, %(as_of)s, u.merge_id
FROM undo_pairs AS u
INNER JOIN members_setaside AS s ON s.merge_id = u.merge_id AND s.label = 'members.MemberTag'
INNER JOIN members_tagchange AS c
    ON c.member_id IN (u.winner_id, u.loser_id) AND c.ref = u.merge_id AND c.how = 11 AND c.tag_id = (s.row ->> 'tag_id')::bigint
