-- Who is in the scene: enough clues within a few days prove it, from the first of them; it holds for some days after the last, and
-- ends when it has held so long that it is no passing scene any more. Code 1; value: the clues of this stay.
-- Reads {gathered} (member_id, at), {scope}; a plain SELECT. The gathered reach back far enough to see every start.
-- sample {scope} = (SELECT id AS member_id FROM members_member)
-- sample {gathered} = (SELECT member_id, since AS at FROM members_memberstanding)
-- sample {low} = 0
-- sample {high} = 4294967295
WITH clues AS (
    SELECT g.member_id, g.at, lag(g.at, %(enough)s - 1) OVER (PARTITION BY g.member_id ORDER BY g.at) AS first_at
    FROM {gathered} AS g
    INNER JOIN {scope} AS m ON m.member_id = g.member_id
    WHERE g.member_id BETWEEN {low} AND {high}
),

proofs AS (
    SELECT member_id, at, first_at, lag(at) OVER (PARTITION BY member_id ORDER BY at) AS proof_before
    FROM clues
    WHERE first_at >= at - %(within)s
),

stays AS (
    SELECT
        member_id,
        at,
        first_at,
        count(*) FILTER (WHERE proof_before IS NULL OR at > proof_before + %(lasts)s) OVER (PARTITION BY member_id ORDER BY at) AS stay
    FROM proofs
),

latest AS (
    SELECT DISTINCT ON (member_id) member_id, min(first_at) AS began, max(at) AS proven
    FROM stays
    GROUP BY member_id, stay
    ORDER BY member_id, stay DESC
)

SELECT
    l.member_id,
    1 AS code,
    count(*) AS value,
    l.began AS since,
    least(l.proven + %(lasts)s, l.began + %(longest)s) AS due,
    least(l.proven + %(lasts)s, l.began + %(longest)s) AS expected_at
FROM latest AS l
INNER JOIN clues AS c ON c.member_id = l.member_id AND c.at BETWEEN l.began AND l.proven
WHERE least(l.proven + %(lasts)s, l.began + %(longest)s) > %(as_of)s
GROUP BY l.member_id, l.began, l.proven
