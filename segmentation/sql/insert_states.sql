-- Give a state to members that have none yet; not to those who were merged or deleted since they were compared.
-- Reads {changes}, members_member; writes members_memberstate. A re-run conflicts and does nothing.
-- Leans on the primary key.
-- sample {changes} = (SELECT *, true AS is_new, stage AS old_stage, rfm_group AS old_group, lead AS old_lead FROM members_memberstate)
INSERT INTO members_memberstate (
    member_id, pool_id, order_count, amount_total, first_order_at, last_order_at, interval_days,
    window_count, window_amount, facts_due, r, f, m, rfm_group, stage, lead, stage_due
)
SELECT
    c.member_id, %(pool_id)s, c.order_count, c.amount_total, c.first_order_at, c.last_order_at, c.interval_days,
    c.window_count, c.window_amount, c.facts_due, c.r, c.f, c.m, c.rfm_group, c.stage, c.lead, c.stage_due
FROM {changes} AS c
INNER JOIN members_member AS who ON who.id = c.member_id AND who.pool_id = %(pool_id)s AND who.merged_into IS NULL
WHERE c.is_new
ORDER BY c.member_id
ON CONFLICT (member_id) DO NOTHING
