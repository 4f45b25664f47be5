-- Frequent 3, regular 2, rare 1 or dormant 0 by active days of the window; who was not active at all stands nowhere.
-- Reads {scope} and {gathered} (gather_days); a plain SELECT. The count falls when the oldest active day leaves the
-- window, at midnight of the pool; dormant ends when the last active day leaves the time looked back.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {gathered} = (SELECT member_id, code::int AS days, due::date AS oldest, due::date AS latest FROM members_memberstanding)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    g.member_id,
    (g.days > 0)::int + (g.days >= %(regular)s)::int + (g.days >= %(frequent)s)::int AS code,
    g.days AS value,
    NULL::timestamptz AS since,
    (CASE WHEN g.days > 0 THEN g.oldest + %(window)s::int ELSE g.latest + %(lookback)s::int END)::timestamp
    AT TIME ZONE %(zone)s AS due,
    NULL::timestamptz AS expected_at
FROM {gathered} AS g
INNER JOIN {scope} AS w ON w.member_id = g.member_id
WHERE g.member_id BETWEEN {low} AND {high}
