-- Room for one act of merging: edges as given, groups while they spread, who is kept apart, pairs as resolved, counts.
-- Temporary and dropped at commit; several acts of one transaction reuse the emptied tables.
CREATE TEMP TABLE IF NOT EXISTS merge_edges (
    winner_id bigint NOT NULL, loser_id bigint NOT NULL, kind text NOT NULL, value_hash bytea
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_groups (member_id bigint PRIMARY KEY, root bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_held (
    winner_id bigint NOT NULL, loser_id bigint NOT NULL, kind text NOT NULL, value_hash bytea, first_id bigint NOT NULL, second_id bigint NOT NULL
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_pairs (
    loser_id bigint PRIMARY KEY, winner_id bigint NOT NULL, merge_id bigint NOT NULL, turn smallint NOT NULL
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_winners (winner_id bigint PRIMARY KEY, before jsonb NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS merge_moved (loser_id bigint NOT NULL, label text NOT NULL, n bigint NOT NULL) ON COMMIT DROP;
TRUNCATE merge_edges, merge_groups, merge_held, merge_pairs, merge_winners, merge_moved
