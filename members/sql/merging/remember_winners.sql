-- The winners as they are before anything is folded into them.
-- Reads merge_pairs, members_member; writes merge_winners, once per act.
INSERT INTO merge_winners (winner_id, before)
SELECT m.id, to_jsonb(m) FROM members_member AS m WHERE m.id IN (SELECT winner_id FROM merge_pairs)
