-- How many members go.
SELECT count(*) FROM merge_pairs
