-- What became of a hand-over, per receiver: how many it moved, how many are there still, how many ordered since.
-- Reads members_ownerchange by owner_change_handover, members_member and members_memberstate by key.
SELECT
    c.to_user_id AS user_id,
    count(*) AS moved,
    count(*) FILTER (WHERE m.owner_id IS NOT DISTINCT FROM c.to_user_id) AS staying,
    count(*) FILTER (WHERE s.last_order_at > c.at) AS ordered
FROM members_ownerchange AS c
JOIN members_member AS m ON m.id = c.member_id AND m.merged_into IS NULL
LEFT JOIN members_memberstate AS s ON s.member_id = m.id
WHERE c.handover_id = %(handover)s AND c.how = %(how)s::smallint
GROUP BY c.to_user_id
