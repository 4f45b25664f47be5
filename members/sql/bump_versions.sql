-- Raise the versions of some domains of a pool; a domain seen for the first time goes from 1 to 2.
-- Writes members_dataversion in the order of the domains, so that two writers never dead-lock.
-- A re-run raises again: computed values are refreshed once too often, never too seldom.
-- Leans on one_version_per_domain.
INSERT INTO members_dataversion (pool_id, domain, version)
SELECT %(pool_id)s, domain, 2 FROM unnest(%(domains)s::text[]) AS domain ORDER BY domain
ON CONFLICT (pool_id, domain) DO UPDATE SET version = members_dataversion.version + 1
