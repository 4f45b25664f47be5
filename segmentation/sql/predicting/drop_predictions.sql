-- Take back what a model said of members it says nothing of any more.
-- Reads {scored} (a temporary table of the run); writes members_memberprediction. A re-run finds none.
-- Leans on prediction_value: the rows of one model.
-- sample {scored} = members_memberprediction
DELETE FROM members_memberprediction AS p
WHERE p.predictor_id = %(predictor_id)s AND NOT EXISTS (SELECT FROM {scored} AS s WHERE s.member_id = p.member_id)
