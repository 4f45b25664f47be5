-- Which shops members bought at; who bought there twice is listed twice, which costs less than telling.
-- Reads members_order, one scan; writes nothing.
SELECT
    member_id AS id,
    store AS v0
FROM members_order
WHERE pool_id = %(pool)s AND status = 1 AND store <> ''
