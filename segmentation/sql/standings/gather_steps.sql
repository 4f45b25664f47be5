-- Which steps members were seen on, until when that holds (infinity: for good) and since when, where that is known.
-- Reads {proofs}, one row per member and source of evidence; a plain SELECT, kept in a table of the run.
-- sample {proofs} = SELECT member_id, placed_at AS until_1, placed_at AS until_2, placed_at AS until_3, placed_at AS until_4, placed_at AS since_1, placed_at AS since_2, placed_at AS since_3, placed_at AS since_4 FROM members_order WHERE {mine}
-- sample {mine} = member_id BETWEEN 0 AND 4294967295
SELECT
    member_id,
    max(until_1) AS until_1,
    max(until_2) AS until_2,
    max(until_3) AS until_3,
    max(until_4) AS until_4,
    min(since_1) AS since_1,
    min(since_2) AS since_2,
    min(since_3) AS since_3,
    min(since_4) AS since_4
FROM ({proofs}) AS p
GROUP BY member_id
