-- A withdrawal that came since the merge, and of which nobody said whose it is, counts for both: nobody is written to by mistake.
-- Reads undo_since, undo_pairs; writes members_consententry of the losers. A re-run finds the entries.
INSERT INTO members_consententry (member_id, carrier, purpose, at, granted, source, wording)
SELECT u.loser_id, s.row ->> 'carrier', s.row ->> 'purpose', (s.row ->> 'at')::timestamptz, FALSE, s.row ->> 'source', s.row ->> 'wording'
FROM undo_since AS s JOIN undo_pairs AS u ON u.winner_id = s.winner_id
WHERE s.label = 'members.ConsentEntry' AND s.verdict = '' AND s.row ->> 'granted' = 'false'
ON CONFLICT (member_id, carrier, purpose, at) DO NOTHING
