-- Undo a hand-over for the next chunk: members go back to whom they were with, if they still are where it put them.
-- Reads members_ownerchange by owner_change_handover; writes members_member and members_ownerchange.
-- Gives per chunk: how many were looked at, how many went back, the last id. Who moved on since is left alone.
WITH piece AS (
    SELECT c.member_id, c.id, c.from_user_id, c.to_user_id
    FROM members_ownerchange AS c
    WHERE c.handover_id = %(handover)s AND c.how = %(how)s::smallint AND (c.member_id, c.id) > (%(after)s, %(after_id)s)
    ORDER BY c.member_id, c.id
    LIMIT %(limit)s
),
latest AS (
    -- a member merged away since took its row along: per member the last change of this hand-over counts
    SELECT DISTINCT ON (p.member_id) p.member_id, p.from_user_id, p.to_user_id
    FROM piece AS p
    WHERE NOT EXISTS (
        SELECT 1 FROM members_ownerchange AS later WHERE later.member_id = p.member_id AND later.id > p.id
    )
    ORDER BY p.member_id, p.id DESC
),
held AS (
    SELECT m.id, l.from_user_id AS back, l.to_user_id AS before
    FROM latest AS l JOIN members_member AS m ON m.id = l.member_id
    WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL AND m.owner_id IS NOT DISTINCT FROM l.to_user_id
    ORDER BY m.id
    FOR UPDATE OF m
),
moved AS (
    UPDATE members_member AS m SET owner_id = held.back
    FROM held WHERE m.id = held.id
    RETURNING m.id, held.before, held.back
),
noted AS (
    INSERT INTO members_ownerchange (member_id, id, pool_id, from_user_id, to_user_id, how, reason, at, by_id, handover_id)
    SELECT
        id, nextval('members_ownerchange_id_seq'), %(pool_id)s, before, back,
        %(undo)s::smallint, %(reason)s, %(as_of)s, %(by)s::bigint, %(handover)s::bigint
    FROM moved
    ORDER BY id
    RETURNING member_id
)
SELECT
    (SELECT count(*) FROM piece) AS seen,
    (SELECT count(*) FROM noted) AS back,
    last.member_id AS last,
    last.id AS last_id
FROM (SELECT 1) AS one
LEFT JOIN (SELECT member_id, id FROM piece ORDER BY member_id DESC, id DESC LIMIT 1) AS last ON TRUE
