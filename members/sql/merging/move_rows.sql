-- Move the losers' rows of one table to their winners (delete and insert: a member is part of keys), and remember which.
-- Reads merge_pairs, merge_winners; writes {table}, members_mergedrows, members_setaside, merge_moved.
-- Of two rows of one key the higher {rank} stays, else the winner's; the other is set aside. A re-run finds no rows of the losers.
-- sample {table} = members_membertag
-- sample {member} = member_id
-- sample {columns} = tag_id, at, by_id
-- sample {values} = (r.was).tag_id, (r.was).at, (r.was).by_id
-- sample {hash} = hashtextextended(jsonb_build_array(t.tag_id)::text, 0)
-- sample {rank} = t.at
-- sample {same} = t.tag_id = (r.was).tag_id
-- sample {conflict} = (member_id, tag_id) DO UPDATE SET at = excluded.at, by_id = excluded.by_id
-- sample {kept} = TRUE
WITH gone AS (
    DELETE FROM {table} AS t USING merge_pairs AS p WHERE t.{member} = p.loser_id
    RETURNING p.winner_id, p.loser_id, p.merge_id, {hash} AS hash, {rank} AS rank, t AS was
),
own AS MATERIALIZED (
    SELECT w.winner_id, {hash} AS hash, {rank} AS rank FROM {table} AS t JOIN merge_winners AS w ON w.winner_id = t.{member}
),
r AS (
    SELECT
        gone.*,
        own.hash IS NOT NULL AS is_rivalled,
        row_number() OVER (PARTITION BY gone.winner_id, gone.hash ORDER BY gone.rank DESC NULLS LAST, gone.loser_id) = 1
        AND (own.hash IS NULL OR COALESCE(gone.rank > own.rank, FALSE)) AS stays
    FROM gone LEFT JOIN own ON own.winner_id = gone.winner_id AND own.hash = gone.hash
),
put AS (
    INSERT INTO {table} ({member}, {columns}) SELECT r.winner_id, {values} FROM r WHERE r.stays
    ON CONFLICT {conflict}
),
aside AS (
    INSERT INTO members_setaside (merge_id, label, owner_id, hash, row)
    SELECT r.merge_id, %(label)s, r.loser_id, r.hash, to_jsonb(r.was) FROM r WHERE NOT r.stays
    UNION ALL
    SELECT r.merge_id, %(label)s, r.winner_id, r.hash, to_jsonb(t)
    FROM r JOIN {table} AS t ON t.{member} = r.winner_id AND {same} WHERE r.stays AND r.is_rivalled
),
note AS (
    INSERT INTO members_mergedrows (merge_id, label, moved, kept)
    SELECT p.merge_id, %(label)s, COALESCE(m.moved, '{{}}'), COALESCE(k.kept, '{{}}')
    FROM merge_pairs AS p
    LEFT JOIN (SELECT merge_id, array_agg(hash) AS moved FROM r WHERE stays GROUP BY merge_id) AS m ON m.merge_id = p.merge_id
    LEFT JOIN (SELECT winner_id, array_agg(hash) AS kept FROM own WHERE {kept} GROUP BY winner_id) AS k ON k.winner_id = p.winner_id
    WHERE m.moved IS NOT NULL OR k.kept IS NOT NULL
)
INSERT INTO merge_moved (loser_id, label, n) SELECT loser_id, %(label)s, count(*) FROM gone GROUP BY loser_id
