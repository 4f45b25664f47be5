-- Members of one chunk of a revert who stay, and why.
CREATE TEMPORARY TABLE IF NOT EXISTS revert_kept (member_id bigint NOT NULL, reason text NOT NULL, label text NOT NULL) ON COMMIT DELETE ROWS
