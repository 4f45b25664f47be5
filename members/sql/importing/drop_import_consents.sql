-- Consents that only an import had reported: nothing is left that says so. Writes members_consent.
DELETE FROM members_consent WHERE source = %(source)s
