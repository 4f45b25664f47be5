-- Consents of the demo, as its member file says: e-mail marketing, given when the member joined.
-- Reads members_member; writes members_consent and members_consententry. A re-run changes nothing.
WITH said AS (
    SELECT
        id,
        attributes ->> '同意邮件营销' = '是' AS granted,
        joined_at
    FROM members_member
    WHERE pool_id = %(pool_id)s AND attributes ? '同意邮件营销'
),

told AS (
    INSERT INTO members_consententry (member_id, carrier, purpose, granted, at, source, wording)
    SELECT
        id,
        'email',
        'marketing',
        granted,
        joined_at,
        'demo',
        ''
    FROM said
    ON CONFLICT DO NOTHING
)

INSERT INTO members_consent (member_id, carrier, purpose, granted, at, source, wording)
SELECT
    id,
    'email',
    'marketing',
    granted,
    joined_at,
    'demo',
    ''
FROM said
ON CONFLICT DO NOTHING
