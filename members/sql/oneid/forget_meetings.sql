-- Meetings that an import brought and that nothing shows any more go with it; two values that still lead to one member have met.
-- Reads one chunk of the import's journal and members_identity; writes members_meeting. A re-run finds none to forget.
-- Leans on the primary keys of members_meeting and members_identity (pool, kind, value_hash): eight bytes are a range of hashes.
-- not prepared: reads a table kept by each import
DELETE FROM members_meeting AS met
USING {brought} AS said
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND met.pool_id = %(pool)s
    AND met.kind = said.kind AND met.value = said.value AND met.other_kind = said.other_kind AND met.other = said.other
    AND NOT EXISTS (
        SELECT FROM members_identity AS one
        JOIN members_identity AS two ON two.pool_id = one.pool_id AND two.member_id = one.member_id
        WHERE one.pool_id = %(pool)s
            AND one.kind = (%(kinds)s::text[])[array_position(%(numbers)s::int[], said.kind::int)]
            AND one.value_hash >= int8send(said.value) AND one.value_hash <= int8send(said.value) || '\xffffffffffffffff'::bytea
            AND two.kind = (%(kinds)s::text[])[array_position(%(numbers)s::int[], said.other_kind::int)]
            AND two.value_hash >= int8send(said.other) AND two.value_hash <= int8send(said.other) || '\xffffffffffffffff'::bytea
    )
