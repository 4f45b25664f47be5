-- Give a state to members that have none yet.
-- Reads {changes}; writes members_memberstate. A re-run conflicts and does nothing.
-- Leans on the primary key.
-- sample {changes} = (SELECT *, true AS is_new, stage AS old_stage, rfm_group AS old_group, lead AS old_lead FROM members_memberstate) AS changed
INSERT INTO members_memberstate (
    member_id, pool_id, order_count, amount_total, first_order_at, last_order_at, interval_days,
    window_count, window_amount, facts_due, r, f, m, rfm_group, stage, lead, stage_due
)
SELECT
    member_id, %(pool_id)s, order_count, amount_total, first_order_at, last_order_at, interval_days,
    window_count, window_amount, facts_due, r, f, m, rfm_group, stage, lead, stage_due
FROM {changes}
WHERE is_new
ORDER BY member_id
ON CONFLICT (member_id) DO NOTHING
