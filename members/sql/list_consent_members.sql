-- Members of a pool by their answer for one carrier and purpose: granted, withdrawn, silent; by wording if one is given.
-- Reads members_member and members_consent by its key.
SELECT m.id
FROM members_member AS m
LEFT JOIN members_consent AS c ON m.id = c.member_id AND c.carrier = %(carrier)s AND c.purpose = %(purpose)s
WHERE
    m.pool_id = %(pool_id)s AND m.merged_into IS NULL
    AND CASE %(state)s WHEN 'silent' THEN c.member_id IS NULL WHEN 'granted' THEN c.granted ELSE NOT c.granted END
    AND (%(wording)s::text IS NULL OR c.wording = %(wording)s)
