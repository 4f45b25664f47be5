-- A fact that came through a channel in which only one of those merged was known is that one's.
-- Reads undo_channels; writes undo_since of one label. Rows judged already stay.
WITH sole AS (
    SELECT winner_id, channel_id, min(loser_id) AS loser_id, count(*) AS persons FROM undo_channels GROUP BY winner_id, channel_id
)
UPDATE undo_since AS s SET loser_id = sole.loser_id, verdict = 'channel'
FROM sole
WHERE s.label = %(label)s AND s.verdict = '' AND sole.winner_id = s.winner_id AND sole.channel_id = (s.row ->> 'channel_id')::int
    AND sole.persons = 1
