-- Groups that would leave one person with more identities of a kind than the pool allows.
-- Reads the run's own tables and members_identity (identity_member); `kinds` and `most` run side by side.
-- not prepared: reads tables made by each import
WITH every AS (
    SELECT r.root, k.kind, k.hash FROM {roots} AS r JOIN {keys} AS k ON k.owner = r.owner
    UNION
    SELECT r.root, i.kind, i.value_hash
    FROM {roots} AS r JOIN members_identity AS i ON i.member_id = -r.owner AND i.pool_id = %(pool)s
    WHERE r.owner < 0
)
SELECT crowded.root
FROM (
    SELECT every.root
    FROM every JOIN unnest(%(kinds)s::text[], %(most)s::int[]) AS allowed (kind, most) ON allowed.kind = every.kind
    GROUP BY every.root, every.kind, allowed.most
    HAVING count(*) > allowed.most
) AS crowded
GROUP BY crowded.root
