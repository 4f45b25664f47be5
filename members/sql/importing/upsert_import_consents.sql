-- What holds now for the people of one chunk: the newest report wins, whatever order they come in.
-- Reads members_consententry by the import's source; writes members_consent, only where the report is newer.
-- not prepared: reads tables made by each import
INSERT INTO members_consent (member_id, carrier, purpose, granted, at, source, wording)
SELECT DISTINCT ON (entry.member_id, entry.carrier, entry.purpose)
    entry.member_id, entry.carrier, entry.purpose, entry.granted, entry.at, entry.source, entry.wording
FROM members_consententry AS entry
WHERE entry.source = %(source)s AND entry.member_id IN (
    SELECT persons.person FROM {stage} AS s INNER JOIN {persons} AS persons ON persons.hash = {first_hash}
    WHERE s.ctid >= %(first)s::tid AND s.ctid < %(last)s::tid
)
ORDER BY entry.member_id, entry.carrier, entry.purpose, entry.at DESC
ON CONFLICT (member_id, carrier, purpose) DO UPDATE
SET granted = excluded.granted, at = excluded.at, source = excluded.source, wording = excluded.wording
WHERE excluded.at > members_consent.at
