-- Which values stand together in rows of a file, each pair once; what is guarded or allowed needs no more counting.
-- Writes the run's own met table; `value` and `other` are the first eight bytes of fingerprints.
-- not prepared: reads tables made by each import
CREATE UNLOGGED TABLE {met} AS
SELECT DISTINCT each.kind, each.hash, ('x' || encode(substring(each.hash FROM 1 FOR 8), 'hex'))::bit(64)::bigint AS value, each.other_kind, ('x' || encode(substring(each.other FROM 1 FOR 8), 'hex'))::bit(64)::bigint AS other
FROM ({pairs}) AS each
WHERE each.hash IS NOT NULL AND each.other IS NOT NULL AND NOT EXISTS (SELECT FROM {guards} AS guard WHERE guard.hash = each.hash)
