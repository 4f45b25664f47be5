-- A member's categories by what was paid for them, with their share; the best six.
-- Reads members_orderline and members_product; leans on the lines' key, member first.
WITH spent AS (
    SELECT COALESCE(NULLIF(p.category, ''), '–') AS category, sum(l.amount) AS amount
    FROM members_orderline AS l JOIN members_product AS p ON p.id = l.product_id
    WHERE l.member_id = %(member_id)s AND l.amount > 0
    GROUP BY 1
)
SELECT category, (amount / sum(amount) OVER ())::float8 AS share FROM spent ORDER BY amount DESC, category LIMIT 6
