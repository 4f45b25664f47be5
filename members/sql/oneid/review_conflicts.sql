-- What a file says of two people who are not joined goes to the queue; whom a person has told apart does not.
-- Reads the run's conflicts and members_notsame; writes members_review, each pair once.
-- not prepared: reads tables made by each import
INSERT INTO members_review (pool_id, one_id, two_id, reason, cause_kind, cause_hash, evidence, run_id, status, at)
SELECT DISTINCT ON (said.one, said.two)
    %(pool)s, said.one, said.two, %(reason)s, said.kind, said.hash,
    jsonb_build_object('line', said.line, 'rows', said.times), %(run)s::bigint, 'open', %(as_of)s::timestamptz
FROM {conflicts} AS said
WHERE said.one > 0 AND NOT EXISTS (
    SELECT FROM members_notsame AS apart
    WHERE apart.pool_id = %(pool)s AND apart.first_id = said.one AND apart.second_id = said.two
)
ORDER BY said.one, said.two, said.line
ON CONFLICT (pool_id, one_id, two_id) DO NOTHING
