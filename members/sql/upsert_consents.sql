-- What holds now for many, out of {said}: the newest word wins, also over what is known; then the withdrawal.
-- Writes members_consent, only rows that change; a re-run changes nothing.
-- sample {said} = (SELECT member_id, carrier, purpose, granted, at, wording FROM members_consent)
INSERT INTO members_consent AS c (member_id, carrier, purpose, granted, at, source, wording)
SELECT DISTINCT ON (said.member_id, said.carrier, said.purpose)
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
ORDER BY said.member_id, said.carrier, said.purpose, least(coalesce(said.at, %(as_of)s), %(as_of)s) DESC, said.granted
ON CONFLICT (member_id, carrier, purpose) DO UPDATE
SET granted = excluded.granted, at = excluded.at, source = excluded.source, wording = excluded.wording
WHERE excluded.at > c.at OR (excluded.at = c.at AND c.granted AND NOT excluded.granted)
