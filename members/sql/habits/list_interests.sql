-- What a member looks for and looks at: search words, and what was viewed, clicked or put in the basket, most often first.
-- Reads members_event by its key, member first; writes nothing.
WITH said AS (
    SELECT
        CASE WHEN kind = 'search' THEN 'search' ELSE 'view' END AS kind,
        left(CASE
            WHEN kind = 'search' THEN coalesce(properties ->> 'words', properties ->> 'keyword')
            ELSE coalesce(properties ->> 'category', properties ->> 'product', properties ->> 'sku', properties ->> 'title')
        END, 80) AS what,
        occurred_at
    FROM members_event
    WHERE
        member_id = %(member_id)s AND occurred_at >= %(since)s AND occurred_at <= %(as_of)s
        AND kind IN ('search', 'view', 'click', 'add_to_cart', 'favourite')
)
SELECT kind, what, count(*)::int AS n, max(occurred_at) AS last_at
FROM said
WHERE what <> ''
GROUP BY kind, what
ORDER BY kind, n DESC, last_at DESC, what
