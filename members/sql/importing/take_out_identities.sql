-- Identities of one chunk's people that an import registered go, unless their member stays for a reason of its own.
-- Reads the import's journal and revert_kept; writes members_identity, and members_importleftover for those that lead elsewhere by now.
-- Leans on the primary key of members_identity (pool, kind, value_hash).
-- not prepared: reads a table kept by each import
WITH span AS (
    SELECT member_id, kind, hash FROM {fresh} WHERE member_id >= %(low)s AND member_id <= %(high)s
),
gone AS (
    DELETE FROM members_identity AS o
    USING span AS said
    WHERE o.pool_id = %(pool)s AND o.kind = said.kind AND o.value_hash = said.hash AND o.member_id = said.member_id
        AND said.member_id NOT IN (SELECT member_id FROM revert_kept)
    RETURNING o.kind, o.value_hash
),
left_over AS (
    INSERT INTO members_importleftover (run_id, label, subject, name, reason, detail)
    SELECT %(run)s, 'identities', o.member_id, left(o.hint, 120), 'merged', '{{}}'
    FROM span AS said JOIN members_identity AS o ON o.pool_id = %(pool)s AND o.kind = said.kind AND o.value_hash = said.hash
    WHERE o.member_id <> said.member_id AND said.member_id NOT IN (SELECT member_id FROM revert_kept)
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS done, (SELECT count(*) FROM left_over) AS "left"
