-- Values that were seen with more different values of one kind than their own kind allows, this file and all before taken together.
-- Reads the run's met table and members_meeting (primary key); `limits` and `kinds` run side by side.
-- not prepared: reads tables made by each import
WITH named AS (SELECT DISTINCT kind, value, hash FROM {met}),
every AS (
    SELECT kind, value, other_kind, other FROM {met}
    UNION
    SELECT old.kind, old.value, old.other_kind, old.other
    FROM named JOIN members_meeting AS old ON old.pool_id = %(pool)s AND old.kind = named.kind AND old.value = named.value
),
many AS (
    SELECT kind, value, count(*) AS n FROM every GROUP BY kind, value, other_kind HAVING count(*) > %(least)s
)
SELECT named.kind, named.hash, max(many.n)
FROM many
JOIN named ON named.kind = many.kind AND named.value = many.value
JOIN unnest(%(kinds)s::int[], %(limits)s::int[]) AS allowed (kind, most) ON allowed.kind = many.kind
WHERE many.n > allowed.most
GROUP BY named.kind, named.hash
