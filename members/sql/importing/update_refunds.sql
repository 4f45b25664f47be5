-- Refunds of one chunk that read differently now. What they were and became goes to the run's list of changes.
-- Leans on one_refund_per_number.
-- not prepared: reads a table made by each import
WITH was AS (
    SELECT old.*, said.amount AS said_amount, said.at AS said_at
    FROM {ready} AS said JOIN members_refund AS old ON old.pool_id = %(pool)s AND old.order_id = said.id AND old.number = said.number
    WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class = 2
    FOR UPDATE OF old
),
done AS (
    UPDATE members_refund AS o
    SET amount = was.said_amount, at = coalesce(was.said_at, was.at)
    FROM was
    WHERE o.id = was.id
    RETURNING
        o.id, jsonb_build_object('amount', was.amount, 'at', was.at) AS before, jsonb_build_object('amount', o.amount, 'at', o.at) AS after
)
INSERT INTO {changed} (part, id, before, after)
SELECT
    'refunds', id,
    (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) AS b WHERE b.value IS DISTINCT FROM after -> b.key),
    (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) AS a WHERE a.value IS DISTINCT FROM before -> a.key)
FROM done
