-- What holds of a carrier and purpose that was spoken of since the merge, but of which this member now has no entry at all.
-- Reads undo_since, undo_pairs, members_consententry; deletes from members_consent. A re-run finds none.
DELETE FROM members_consent AS c
USING (
    SELECT DISTINCT side.member_id, s.row ->> 'carrier' AS carrier, s.row ->> 'purpose' AS purpose
    FROM undo_since AS s JOIN undo_pairs AS u ON u.winner_id = s.winner_id
    CROSS JOIN LATERAL (VALUES (u.winner_id), (u.loser_id)) AS side (member_id)
    WHERE s.label = 'members.ConsentEntry'
) AS said
WHERE c.member_id = said.member_id AND c.carrier = said.carrier AND c.purpose = said.purpose
    AND NOT EXISTS (
        SELECT FROM members_consententry AS e WHERE e.member_id = c.member_id AND e.carrier = c.carrier AND e.purpose = c.purpose
    )
