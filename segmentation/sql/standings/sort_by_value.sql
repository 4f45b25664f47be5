-- Head 3, waist 2 or tail 1 by constant edges; who is worth nothing stands nowhere.
-- Reads {valued} (member_id, value, due): those of the scope; a plain SELECT.
-- sample {valued} = (SELECT member_id, value, due FROM members_memberstanding)
-- sample {low} = 0
-- sample {high} = 4294967295
SELECT
    v.member_id,
    1 + (v.value >= coalesce(%(waist_from)s, 9223372036854775807))::int
    + (v.value >= coalesce(%(head_from)s, 9223372036854775807))::int AS code,
    v.value,
    NULL::timestamptz AS since,
    v.due,
    NULL::timestamptz AS expected_at
FROM {valued} AS v
WHERE v.value > 0 AND v.member_id BETWEEN {low} AND {high}
