-- Give each winner what it lacks from its losers: earliest joining and its channel, the better status, empty fields.
-- Reads merge_pairs; writes members_member (winners). A re-run adds nothing that is there.
WITH lost AS (
    SELECT
        p.winner_id,
        max(l.status) AS status,
        max(l.gender) AS gender,
        (array_agg(l.name ORDER BY l.updated_at DESC, l.id) FILTER (WHERE l.name <> ''))[1] AS name,
        (array_agg(l.birthday ORDER BY l.updated_at DESC, l.id) FILTER (WHERE l.birthday IS NOT NULL))[1] AS birthday,
        (array_agg(l.province ORDER BY l.updated_at DESC, l.id) FILTER (WHERE l.province <> ''))[1] AS province,
        (array_agg(l.city ORDER BY l.updated_at DESC, l.id) FILTER (WHERE l.province <> ''))[1] AS city,
        (array_agg(l.owner_id ORDER BY l.updated_at DESC, l.id) FILTER (WHERE l.owner_id IS NOT NULL))[1] AS owner_id,
        (array_agg(l.store_id ORDER BY l.updated_at DESC, l.id) FILTER (WHERE l.store_id IS NOT NULL))[1] AS store_id,
        min(l.joined_at) AS joined_at,
        (array_agg(l.channel_id ORDER BY l.joined_at, l.id))[1] AS channel_id
    FROM merge_pairs AS p JOIN members_member AS l ON l.id = p.loser_id
    GROUP BY p.winner_id
),
facts AS (
    SELECT p.winner_id, jsonb_object_agg(fact.key, fact.value ORDER BY l.updated_at, l.id) AS attributes
    FROM merge_pairs AS p
    JOIN members_member AS l ON l.id = p.loser_id
    CROSS JOIN LATERAL jsonb_each(l.attributes) AS fact
    GROUP BY p.winner_id
)
UPDATE members_member AS w SET
    status = greatest(w.status, lost.status),
    gender = CASE WHEN w.gender = 0 THEN lost.gender ELSE w.gender END,
    name = CASE WHEN w.name = '' THEN COALESCE(lost.name, '') ELSE w.name END,
    birthday = COALESCE(w.birthday, lost.birthday),
    province = CASE WHEN w.province = '' THEN COALESCE(lost.province, '') ELSE w.province END,
    city = CASE WHEN w.province = '' THEN COALESCE(lost.city, w.city) ELSE w.city END,
    owner_id = COALESCE(w.owner_id, lost.owner_id),
    store_id = COALESCE(w.store_id, lost.store_id),
    attributes = COALESCE(facts.attributes, '{}') || w.attributes,
    channel_id = CASE WHEN lost.joined_at < w.joined_at THEN COALESCE(lost.channel_id, w.channel_id) ELSE COALESCE(w.channel_id, lost.channel_id) END,
    joined_at = least(w.joined_at, lost.joined_at),
    updated_at = %(as_of)s
FROM lost LEFT JOIN facts USING (winner_id)
WHERE w.id = lost.winner_id
