-- What holds now: the newest report wins, whatever order they come in; at the same instant the withdrawal.
-- Writes members_consent; a re-run changes nothing.
INSERT INTO members_consent AS c (member_id, carrier, purpose, granted, at, source, wording)
VALUES (%(member_id)s, %(carrier)s, %(purpose)s, %(granted)s, %(at)s, %(source)s, %(wording)s)
ON CONFLICT (member_id, carrier, purpose) DO UPDATE
SET granted = excluded.granted, at = excluded.at, source = excluded.source, wording = excluded.wording
WHERE excluded.at > c.at OR (excluded.at = c.at AND c.granted AND NOT excluded.granted)
