-- What each parted member is due: the points they came with, and what their own orders earned or lost since.
-- Reads the pairs, members_mergedrows, members_order, loyalty_account, loyalty_entry. Orders are back with their members already.
-- Of entries that no order explains, a person may have told whose they are (undo_told).
-- sample {pairs} = (SELECT 1::bigint AS winner_id, 2::bigint AS loser_id, 3::bigint AS merge_id, 1 AS turn, TRUE AS is_wanted)
CREATE TEMP TABLE points_due ON COMMIT DROP AS
WITH pair AS (
    SELECT p.*, r.moved[1] AS position, r.kept[1] AS seq
    FROM {pairs} AS p INNER JOIN members_mergedrows AS r ON r.merge_id = p.merge_id AND r.label = 'loyalty.Account'
),

later AS (
    SELECT pair.merge_id, sum(e.amount) AS amount
    FROM pair
    INNER JOIN loyalty_entry AS e ON e.member_id = pair.winner_id AND e.seq > pair.seq
    WHERE EXISTS (SELECT 1 FROM members_order AS o WHERE o.member_id = pair.loser_id AND o.id = e.order_id)
    GROUP BY pair.merge_id
)

SELECT
    pair.*,
    pair.position + coalesce(later.amount, 0) AS due,
    coalesce(a.position, 0) AS there,
    coalesce(
        sum(pair.position + coalesce(later.amount, 0))
            OVER (PARTITION BY pair.winner_id ORDER BY pair.merge_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS before
FROM pair
LEFT JOIN later ON later.merge_id = pair.merge_id
LEFT JOIN loyalty_account AS a ON a.member_id = pair.winner_id
