-- Take an import's reports out of the ledger. Writes members_consententry; nothing is left to take out the second time.
DELETE FROM members_consententry WHERE source = %(source)s
