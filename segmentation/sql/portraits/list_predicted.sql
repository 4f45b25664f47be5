-- The class a model put members into.
-- Reads members_memberprediction; writes nothing. Leans on prediction_value.
SELECT
    member_id AS id,
    code AS v0
FROM members_memberprediction
WHERE pool_id = %(pool)s AND predictor_id = %(predictor)s
