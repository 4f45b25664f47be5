-- Consents of the demo, as its member file says: e-mail marketing, given when the member joined.
-- Reads members_member; writes members_consententry and members_consent. A re-run changes nothing.
WITH told AS (
    INSERT INTO members_consententry (member_id, carrier, purpose, granted, at, source, wording)
    SELECT
        id,
        'email',
        'marketing',
        attributes ->> '同意邮件营销' = '是',
        joined_at,
        'demo',
        ''
    FROM members_member
    WHERE pool_id = %(pool_id)s AND attributes ? '同意邮件营销'
    ON CONFLICT DO NOTHING
    RETURNING member_id, carrier, purpose, granted, at, source, wording
)

INSERT INTO members_consent (member_id, carrier, purpose, granted, at, source, wording)
SELECT
    member_id,
    carrier,
    purpose,
    granted,
    at,
    source,
    wording
FROM told
ON CONFLICT DO NOTHING
