-- Add a grant or withdrawal to the ledger. Writes members_consententry; the same report twice is one row.
-- Of two answers at the same instant the withdrawal is the one that is kept.
INSERT INTO members_consententry AS e (member_id, carrier, purpose, granted, at, source, wording)
VALUES (%(member_id)s, %(carrier)s, %(purpose)s, %(granted)s, %(at)s, %(source)s, %(wording)s)
ON CONFLICT (member_id, carrier, purpose, at) DO UPDATE
SET granted = FALSE, source = excluded.source, wording = excluded.wording
WHERE e.granted AND NOT excluded.granted
