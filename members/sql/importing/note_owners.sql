-- Whom one chunk's people are given to, before it is written: who has that owner already is left out, so a re-run is harmless.
-- Reads the run's own members table and members_member; writes members_ownerchange, as every other change of hands does.
-- not prepared: reads a table made by each import
INSERT INTO members_ownerchange (member_id, id, pool_id, from_user_id, to_user_id, how, reason, at, by_id)
SELECT
    said.member_id, nextval('members_ownerchange_id_seq'), %(pool)s, old.owner_id, nullif(said.owner_id, 0),
    %(how)s::smallint, %(reason)s, %(as_of)s, %(actor)s::bigint
FROM {members} AS said
LEFT JOIN members_member AS old ON old.id = said.member_id
WHERE said.ctid >= %(first)s::tid AND said.ctid < %(last)s::tid AND said.class IN (0, 2)
    AND said.owner_id IS NOT NULL AND nullif(said.owner_id, 0) IS DISTINCT FROM old.owner_id
ORDER BY said.member_id
