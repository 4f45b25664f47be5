-- Room for one call of merge_pairs: edges as given, groups while they spread, pairs as resolved, counts.
-- Temporary and dropped at commit; several merges of one transaction reuse the emptied tables.
CREATE TEMP TABLE IF NOT EXISTS merge_edges (winner_id bigint NOT NULL, loser_id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_groups (member_id bigint PRIMARY KEY, root bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_pairs (loser_id bigint PRIMARY KEY, winner_id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_moved (loser_id bigint NOT NULL, label text NOT NULL, n bigint NOT NULL) ON COMMIT DROP;
TRUNCATE merge_edges, merge_groups, merge_pairs, merge_moved
