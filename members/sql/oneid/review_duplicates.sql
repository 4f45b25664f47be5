-- Pairs that a search found go to the queue; whom a person has told apart does not.
-- Reads members_notsame; writes members_review, each pair once.
INSERT INTO members_review (pool_id, one_id, two_id, reason, cause_kind, evidence, status, at)
SELECT DISTINCT
    %(pool)s::bigint, least(one, two), greatest(one, two), 'duplicate', '', jsonb_build_object('signals', %(signals)s::text[]), 'open',
    %(as_of)s::timestamptz
FROM unnest(%(ones)s::bigint[], %(twos)s::bigint[]) AS given (one, two)
WHERE NOT EXISTS (
    SELECT FROM members_notsame AS apart
    WHERE apart.pool_id = %(pool)s AND apart.first_id = least(one, two) AND apart.second_id = greatest(one, two)
)
ON CONFLICT (pool_id, one_id, two_id) DO NOTHING
