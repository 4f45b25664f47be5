-- Of one chunk's created members those who were edited, given to somebody or merged since stay; everybody is held meanwhile.
-- Reads the import's journal and members_member; writes revert_kept. Leans on member_merged.
-- not prepared: reads a table kept by each import
INSERT INTO revert_kept (member_id, reason, label)
SELECT id, CASE WHEN is_merged THEN 'merged' ELSE 'changed' END, 'members.Member'
FROM (
    SELECT
        m.id,
        m.merged_into IS NOT NULL
        OR m.id IN (SELECT lost.merged_into FROM members_member AS lost WHERE lost.pool_id = %(pool)s AND lost.merged_into IS NOT NULL)
        AS is_merged,
        m.owner_id IS DISTINCT FROM nullif((to_jsonb(said) ->> 'owner_id')::bigint, 0)
        OR (m.status, m.name, m.gender, m.birthday, m.province, m.city, m.attributes) IS DISTINCT FROM (
            said.status, coalesce(said.name, ''), coalesce(said.gender, 0), said.birthday, coalesce(said.province, ''),
            coalesce(said.city, ''), coalesce(said.attributes, '{{}}')
        ) AS is_edited
    FROM {written} AS said JOIN members_member AS m ON m.id = said.member_id
    WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 0
    ORDER BY m.id FOR UPDATE OF m
) AS each
WHERE is_merged OR is_edited
