-- Write the new values of members that have a state already.
-- Reads {changes}; writes members_memberstate. A re-run finds no changes, so it writes nothing.
-- Leans on the primary key.
-- sample {changes} = (SELECT *, true AS is_new, stage AS old_stage, rfm_group AS old_group, lead AS old_lead FROM members_memberstate)
UPDATE members_memberstate AS s
SET
    order_count = c.order_count,
    amount_total = c.amount_total,
    first_order_at = c.first_order_at,
    last_order_at = c.last_order_at,
    interval_days = c.interval_days,
    window_count = c.window_count,
    window_amount = c.window_amount,
    facts_due = c.facts_due,
    r = c.r,
    f = c.f,
    m = c.m,
    rfm_group = c.rfm_group,
    stage = c.stage,
    lead = c.lead,
    stage_due = c.stage_due
FROM {changes} AS c
WHERE s.member_id = c.member_id AND NOT c.is_new
