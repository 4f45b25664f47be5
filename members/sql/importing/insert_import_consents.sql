-- Consents of one chunk of a member file into the ledger. Without a moment of its own a row never overrules what is known
-- of a member, except to withdraw; with one, the same report twice is one entry.
-- Reads the run's stage and persons; writes members_consententry. `chosen` lists carrier and column.
-- sample {chosen} = ('sms', s.consent_sms), ('email', s.consent_email)
-- not prepared: reads tables made by each import
INSERT INTO members_consententry (member_id, carrier, purpose, granted, at, source, wording)
SELECT DISTINCT ON (persons.person, said.carrier, coalesce(s.consent_at, %(at)s))
    persons.person, said.carrier, 'marketing', said.granted, coalesce(s.consent_at, %(at)s), %(source)s, coalesce(s.consent_wording, '')
FROM {stage} AS s
INNER JOIN {persons} AS persons ON persons.hash = {first_hash}
CROSS JOIN LATERAL (VALUES {chosen}) AS said (carrier, granted)
LEFT JOIN members_consent AS holds
    ON holds.member_id = persons.person AND holds.carrier = said.carrier AND holds.purpose = 'marketing'
WHERE s.ctid >= %(first)s::tid AND s.ctid < %(last)s::tid AND said.granted IS NOT NULL
    AND (s.consent_at IS NOT NULL OR holds.member_id IS NULL OR (holds.granted AND NOT said.granted))
ORDER BY persons.person, said.carrier, coalesce(s.consent_at, %(at)s), s.line DESC
ON CONFLICT (member_id, carrier, purpose, at) DO NOTHING
