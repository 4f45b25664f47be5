-- What holds of a carrier and purpose that was spoken of since the merge is each side's own latest entry.
-- Reads undo_since, undo_pairs, members_consententry; writes members_consent. A re-run writes the same.
INSERT INTO members_consent (member_id, carrier, purpose, granted, at, source, wording)
SELECT DISTINCT ON (e.member_id, e.carrier, e.purpose) e.member_id, e.carrier, e.purpose, e.granted, e.at, e.source, e.wording
FROM undo_since AS s JOIN undo_pairs AS u ON u.winner_id = s.winner_id
CROSS JOIN LATERAL (VALUES (u.winner_id), (u.loser_id)) AS side (member_id)
JOIN members_consententry AS e ON e.member_id = side.member_id AND e.carrier = s.row ->> 'carrier' AND e.purpose = s.row ->> 'purpose'
WHERE s.label = 'members.ConsentEntry'
ORDER BY e.member_id, e.carrier, e.purpose, e.at DESC
ON CONFLICT (member_id, carrier, purpose) DO UPDATE SET granted = excluded.granted, at = excluded.at, source = excluded.source, wording = excluded.wording
