-- How many candidates the policy lets through and why not the others, without writing anything.
WITH decided AS ({decided})
SELECT coalesce(reason, '') AS reason, count(*) AS n, 0 AS written FROM decided GROUP BY 1
