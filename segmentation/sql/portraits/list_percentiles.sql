-- Where members stand among those a model scored: 1 to 100.
-- Reads members_memberprediction; writes nothing. Leans on prediction_value.
SELECT
    member_id AS id,
    percentile AS v0
FROM members_memberprediction
WHERE pool_id = %(pool)s AND predictor_id = %(predictor)s
