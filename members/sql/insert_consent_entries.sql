-- Add many grants and withdrawals to the ledger out of {said}. Writes members_consententry; repeats are one row.
-- Of two answers at the same instant the withdrawal is the one that is kept.
-- sample {said} = (SELECT member_id, carrier, purpose, granted, at, wording FROM members_consent)
INSERT INTO members_consententry AS e (member_id, carrier, purpose, granted, at, source, wording)
SELECT DISTINCT ON (said.member_id, said.carrier, said.purpose, least(coalesce(said.at, %(as_of)s), %(as_of)s))
    said.member_id,
    said.carrier,
    said.purpose,
    said.granted,
    least(coalesce(said.at, %(as_of)s), %(as_of)s) AS at,
    %(source)s,
    coalesce(left(said.wording, 60), '')
FROM {said} AS said
INNER JOIN members_member AS m ON said.member_id = m.id AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
WHERE said.carrier = ANY(%(carriers)s) AND said.purpose = ANY(%(purposes)s) AND said.granted IS NOT NULL
ORDER BY said.member_id, said.carrier, said.purpose, least(coalesce(said.at, %(as_of)s), %(as_of)s), said.granted
ON CONFLICT (member_id, carrier, purpose, at) DO UPDATE
SET granted = FALSE, source = excluded.source, wording = excluded.wording
WHERE e.granted AND NOT excluded.granted
