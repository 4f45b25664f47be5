-- How many members go from which class to which, out of the differences a pass would write.
-- Reads {changes}; writes nothing.
-- sample {changes} = (SELECT *, stage AS old_stage, rfm_group AS old_group, lead AS old_lead FROM members_memberstate)
SELECT old_stage, stage, old_group, rfm_group, count(*) AS members
FROM {changes} AS c
WHERE (old_stage, old_group) IS DISTINCT FROM (stage, rfm_group)
GROUP BY old_stage, stage, old_group, rfm_group
