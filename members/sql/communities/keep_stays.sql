-- Work out the stays of some members (of one group, or of all theirs) from all joins and leaves known so far, in whatever order they came.
-- Reads members_communityevent, writes members_communitymember where something differs: a re-run changes nothing.
-- A join while inside and a leave while outside say nothing new; a first leave is a stay whose beginning nobody saw.
WITH said AS (
    SELECT e.member_id, e.community_id, e.at, e.kind, e.id, e.nick, e.invited_by, e.how, lag(e.kind) OVER turn AS before
    FROM members_communityevent AS e
    WHERE e.member_id = ANY(%(members)s::bigint[]) AND e.kind IN (1, 2)
    AND (%(community)s::bigint IS NULL OR e.community_id = %(community)s::bigint)
    WINDOW turn AS (PARTITION BY e.member_id, e.community_id ORDER BY e.at, e.kind, e.id)
),
turns AS (
    SELECT said.*, lead(said.at) OVER turn AS following
    FROM said
    WHERE said.before IS DISTINCT FROM said.kind
    WINDOW turn AS (PARTITION BY said.member_id, said.community_id ORDER BY said.at, said.kind, said.id)
),
stays AS (
    SELECT
        member_id,
        community_id,
        row_number() OVER (PARTITION BY member_id, community_id ORDER BY at, kind) AS n,
        at AS joined_at,
        kind = 1 AND how <> 'listed' AS is_join_known,
        CASE WHEN kind = 1 THEN following ELSE at END AS left_at,
        CASE WHEN kind = 1 THEN nick ELSE '' END AS nick,
        CASE WHEN kind = 1 THEN invited_by ELSE '' END AS invited_by,
        CASE WHEN kind = 1 THEN how ELSE '' END AS how
    FROM turns
    WHERE kind = 1 OR before IS NULL
),
gone AS (
    DELETE FROM members_communitymember AS m
    WHERE m.member_id = ANY(%(members)s::bigint[])
    AND (%(community)s::bigint IS NULL OR m.community_id = %(community)s::bigint)
    AND NOT EXISTS (
        SELECT 1 FROM stays
        WHERE stays.member_id = m.member_id AND stays.community_id = m.community_id AND stays.n = m.n
    )
    RETURNING m.member_id
)
INSERT INTO members_communitymember AS m (
    member_id, community_id, n, joined_at, is_join_known, left_at, nick, invited_by, how
)
SELECT member_id, community_id, n, joined_at, is_join_known, left_at, nick, invited_by, how
FROM stays
ORDER BY member_id, community_id, n
ON CONFLICT (member_id, community_id, n) DO UPDATE SET
joined_at = excluded.joined_at,
is_join_known = excluded.is_join_known,
left_at = excluded.left_at,
nick = excluded.nick,
invited_by = excluded.invited_by,
how = excluded.how
WHERE (m.joined_at, m.is_join_known, m.left_at, m.nick, m.invited_by, m.how)
IS DISTINCT FROM (excluded.joined_at, excluded.is_join_known, excluded.left_at, excluded.nick, excluded.invited_by, excluded.how)
