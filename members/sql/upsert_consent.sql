-- What holds now: the newest report wins, whatever order they come in. Writes members_consent.
INSERT INTO members_consent (member_id, carrier, purpose, granted, at, source, wording)
VALUES (%(member_id)s, %(carrier)s, %(purpose)s, %(granted)s, %(at)s, %(source)s, %(wording)s)
ON CONFLICT (member_id, carrier, purpose) DO UPDATE
SET granted = excluded.granted, at = excluded.at, source = excluded.source, wording = excluded.wording
WHERE excluded.at > members_consent.at
