-- How many candidates the policy lets through and why not the others, without writing anything.
-- not prepared: its candidates are a query of the caller's; the policy's tests run it
WITH decided AS ({decided})
SELECT coalesce(reason, '') AS reason, count(*) AS n, 0 AS written FROM decided GROUP BY 1
