-- Room for one act of undoing: what was asked for, what must be taken apart for it, the pairs of one layer,
-- rows that came since their merge, and whose they are judged to be.
-- Temporary and dropped at commit; several acts of one transaction reuse the emptied tables.
CREATE TEMP TABLE IF NOT EXISTS undo_merges (
    merge_id bigint PRIMARY KEY, winner_id bigint NOT NULL, loser_id bigint NOT NULL, act bigint NOT NULL, turn smallint NOT NULL,
    is_wanted boolean NOT NULL, layer int
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS undo_pairs (
    merge_id bigint PRIMARY KEY, winner_id bigint NOT NULL, loser_id bigint NOT NULL UNIQUE, turn smallint NOT NULL, is_wanted boolean NOT NULL
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS undo_winners (winner_id bigint PRIMARY KEY) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS undo_channels (winner_id bigint NOT NULL, loser_id bigint, channel_id smallint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS undo_told (label text NOT NULL, hash bigint NOT NULL, member_id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS undo_since (
    winner_id bigint NOT NULL, label text NOT NULL, hash bigint NOT NULL, loser_id bigint, verdict text NOT NULL DEFAULT '', row jsonb
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS undo_listed (
    label text NOT NULL, hash bigint NOT NULL, loser_id bigint, verdict text NOT NULL, row jsonb, PRIMARY KEY (label, hash)
) ON COMMIT DROP;
TRUNCATE undo_merges, undo_pairs, undo_winners, undo_channels, undo_told, undo_since, undo_listed
