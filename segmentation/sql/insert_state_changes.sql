-- One history row per change of stage, RFM group or lead stage; a first value comes from null. None of those who were
-- merged or deleted since they were compared.
-- Reads {changes}, members_member; writes members_statechange. In the same transaction as the states, so never twice;
-- a second run at the very same instant only moves the end of that instant's change.
-- sample {changes} = (SELECT *, true AS is_new, stage AS old_stage, rfm_group AS old_group, lead AS old_lead FROM members_memberstate)
INSERT INTO members_statechange (member_id, kind, at, pool_id, from_code, to_code)
SELECT c.member_id, k.kind, %(as_of)s, %(pool_id)s, k.from_code, k.to_code
FROM {changes} AS c
INNER JOIN members_member AS who ON who.id = c.member_id AND who.pool_id = %(pool_id)s AND who.merged_into IS NULL
CROSS JOIN LATERAL (
    VALUES (1::smallint, c.old_stage, c.stage::smallint), (2::smallint, c.old_group, c.rfm_group::smallint),
        (3::smallint, c.old_lead, c.lead::smallint)
) AS k (kind, from_code, to_code)
WHERE k.from_code IS DISTINCT FROM k.to_code
ON CONFLICT (member_id, kind, at) DO UPDATE SET to_code = excluded.to_code
