-- Earlier merges that a value proved which is guarded now are to be looked at again by a person; and members it made of several at once.
-- Reads members_guard (the given ids), members_merge, members_guardeduse; writes members_review, each pair once.
WITH named AS (SELECT * FROM members_guard AS g WHERE g.id = ANY(%(guards)s::bigint[]) AND NOT g.is_allowed),
pairs AS (
    SELECT
        least(m.winner_id, m.loser_id) AS one_id, greatest(m.winner_id, m.loser_id) AS two_id, named.kind, named.value_hash,
        jsonb_build_object('merge', m.id, 'hint', named.hint, 'met', named.met) AS evidence
    FROM members_merge AS m JOIN named ON m.cause_kind = named.kind AND m.cause_hash = named.value_hash
    WHERE m.pool_id = %(pool)s AND m.undone_at IS NULL
),
crowds AS (
    SELECT
        used.member_id AS one_id, NULL::bigint AS two_id, named.kind, named.value_hash,
        jsonb_build_object('hint', named.hint, 'met', named.met) AS evidence
    FROM members_guardeduse AS used JOIN named ON named.id = used.guard_id
    WHERE NOT EXISTS (SELECT FROM pairs AS p WHERE p.one_id = used.member_id OR p.two_id = used.member_id)
        AND EXISTS (
            -- A number of staff is no ground for doubt by itself; what too many share is.
            SELECT FROM members_identity AS i
            WHERE i.member_id = used.member_id
            HAVING count(*) > 1 AND (named.reason = 'shared' OR count(*) > count(DISTINCT i.kind))
        )
)
INSERT INTO members_review (pool_id, one_id, two_id, reason, cause_kind, cause_hash, evidence, run_id, status, at)
SELECT DISTINCT ON (one_id, two_id)
    %(pool)s, one_id, two_id, 'shared', kind, value_hash, evidence, %(run)s::bigint, 'open', %(as_of)s
FROM (SELECT * FROM pairs UNION ALL SELECT * FROM crowds) AS found
ORDER BY one_id, two_id
ON CONFLICT (pool_id, one_id, two_id) DO NOTHING
