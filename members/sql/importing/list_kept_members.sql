-- Why members of one chunk of a revert stay, one line each.
-- Reads revert_kept; writes members_importleftover. The chunk's mark is committed with it.
INSERT INTO members_importleftover (run_id, label, subject, name, reason, detail)
SELECT
    %(run)s, 'members', coalesce(m.merged_into, m.id), left(m.name, 120),
    CASE WHEN bool_or(kept.reason = 'merged') THEN 'merged' WHEN bool_or(kept.reason = 'in_use') THEN 'in_use' ELSE 'changed' END,
    jsonb_build_object('tables', jsonb_agg(DISTINCT kept.label) FILTER (WHERE kept.reason = 'in_use'))
FROM revert_kept AS kept JOIN members_member AS m ON m.id = kept.member_id
GROUP BY m.id
