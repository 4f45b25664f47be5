-- Assignments that merging made "both" have the arm again that they had.
-- Reads undo_pairs, members_setaside; writes campaigns_participant. A re-run writes the same.
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id)
UPDATE campaigns_participant AS t SET arm = (s.row ->> 'was')::smallint
FROM {pairs} AS u JOIN members_setaside AS s ON s.merge_id = u.merge_id AND s.label = %(label)s AND s.row ? 'was'
WHERE t.member_id = u.winner_id AND t.run_id = (s.row ->> 'run_id')::bigint
