-- Which steps members were seen on, until when that holds (infinity: for good) and since when, where that is known.
-- Reads {proofs}, one row per member and evidence; a plain SELECT, kept in a table of the run.
-- sample {proofs} = SELECT member_id, 1 AS step, placed_at AS until, placed_at AS since FROM members_order WHERE {mine}
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    max(until) FILTER (WHERE step = 1) AS until_1,
    max(until) FILTER (WHERE step = 2) AS until_2,
    max(until) FILTER (WHERE step = 3) AS until_3,
    max(until) FILTER (WHERE step = 4) AS until_4,
    min(since) FILTER (WHERE step = 1) AS since_1,
    min(since) FILTER (WHERE step = 2) AS since_2,
    min(since) FILTER (WHERE step = 3) AS since_3,
    min(since) FILTER (WHERE step = 4) AS since_4
FROM ({proofs}) AS p
GROUP BY member_id
