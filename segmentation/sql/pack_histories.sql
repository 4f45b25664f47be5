-- How often and how long each buyer has bought: repeat orders, days from first to last, days from first to the
-- instant; 8 bytes a buyer, for numpy.
-- Reads {facts} (a table of the run, or MemberState for a preview); writes nothing.
-- sample {facts} = members_memberstate
SELECT
    string_agg(
        int8send(
            ((order_count - 1)::bigint << 32)
            | ((date_part('epoch', last_order_at - first_order_at)::bigint / 86400) << 16)
            | (date_part('epoch', %(as_of)s - first_order_at)::bigint / 86400)
        ),
        ''::bytea
    ) AS histories
FROM {facts} AS f
WHERE order_count > 0
