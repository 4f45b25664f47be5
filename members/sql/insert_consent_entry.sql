-- Add a grant or withdrawal to the ledger. Writes members_consententry; the same report twice is one row.
INSERT INTO members_consententry (member_id, carrier, purpose, granted, at, source, wording)
VALUES (%(member_id)s, %(carrier)s, %(purpose)s, %(granted)s, %(at)s, %(source)s, %(wording)s)
ON CONFLICT (member_id, carrier, purpose, at) DO NOTHING
