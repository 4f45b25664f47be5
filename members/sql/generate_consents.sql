-- Invented consents of members lo … hi to marketing by e-mail, text message and WeCom; some said no.
-- Reads nothing; writes members_consent. A re-run conflicts and does nothing.
INSERT INTO members_consent (member_id, carrier, purpose, granted, at, source, wording)
SELECT
    %(base)s + k,
    c.carrier,
    'marketing',
    unit_hash(k * 8 + c.n, %(seed)s + 60) < 0.94,
    %(as_of)s::timestamptz,
    'generate',
    ''
FROM generate_series(%(lo)s::bigint, %(hi)s::bigint) AS k
CROSS JOIN (VALUES (1, 'email', 0.85), (2, 'sms', 0.8), (3, 'wecom', 0.55)) AS c (n, carrier, share)
WHERE unit_hash(k * 8 + c.n, %(seed)s + 61) < c.share
ORDER BY 1, 2
ON CONFLICT (member_id, carrier, purpose) DO NOTHING
