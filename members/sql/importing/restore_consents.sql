-- What an import's reports had made hold, as the newest report left says it. Writes members_consent, only the import's rows.
UPDATE members_consent AS holds
SET granted = newest.granted, at = newest.at, source = newest.source, wording = newest.wording
FROM (
    SELECT DISTINCT ON (entry.member_id, entry.carrier, entry.purpose) entry.*
    FROM members_consententry AS entry
    INNER JOIN members_consent AS mine
        ON mine.member_id = entry.member_id AND mine.carrier = entry.carrier AND mine.purpose = entry.purpose
    WHERE mine.source = %(source)s
    ORDER BY entry.member_id, entry.carrier, entry.purpose, entry.at DESC
) AS newest
WHERE holds.source = %(source)s AND holds.member_id = newest.member_id AND holds.carrier = newest.carrier
    AND holds.purpose = newest.purpose
