-- Rows that gave way in the merge come back as they were, to whom they belonged, unless what they refer to is gone.
-- Takes from members_setaside; writes {table}. A re-run finds nothing set aside.
-- sample {table} = members_membertag
-- sample {member} = member_id
-- sample {columns} = tag_id, at, by_id
-- sample {values} = r.tag_id, r.at, r.by_id
-- sample {alive} = EXISTS (SELECT FROM members_tag AS x WHERE x.id = r.tag_id)
WITH back AS (
    DELETE FROM members_setaside AS s USING undo_pairs AS u WHERE s.merge_id = u.merge_id AND s.label = %(label)s
    RETURNING s.owner_id, s.row
)
INSERT INTO {table} ({member}, {columns})
SELECT back.owner_id, {values} FROM back CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, back.row) AS r WHERE {alive}
ON CONFLICT DO NOTHING
