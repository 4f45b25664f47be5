-- What a model now says of members; rows that stay as they are are not written, whoever was merged or erased meanwhile gets none.
-- Reads {scored} (a temporary table of the run); writes members_memberprediction. A re-run writes nothing.
-- Leans on the keys of both tables: rows come in order of members.
-- sample {scored} = members_memberprediction
INSERT INTO members_memberprediction AS p (member_id, predictor_id, pool_id, value, percentile, code, more)
SELECT
    s.member_id,
    %(predictor_id)s,
    %(pool_id)s,
    s.value,
    s.percentile,
    s.code,
    s.more
FROM {scored} AS s
INNER JOIN members_member AS m ON m.id = s.member_id AND m.pool_id = %(pool_id)s AND m.merged_into IS NULL
ORDER BY s.member_id
ON CONFLICT (member_id, predictor_id) DO UPDATE
    SET value = excluded.value, percentile = excluded.percentile, code = excluded.code, more = excluded.more
    WHERE (p.value, p.percentile, p.code, p.more) IS DISTINCT FROM (excluded.value, excluded.percentile, excluded.code, excluded.more)
