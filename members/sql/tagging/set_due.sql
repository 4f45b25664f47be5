-- Set when carriers lose a tag (null: never); whom that changed.
-- Writes members_membertag; a re-run finds nothing to change. Leans on the key (member, tag).
UPDATE members_membertag SET due = %(due)s::timestamptz
WHERE tag_id = %(tag_id)s AND member_id = ANY(%(ids)s::bigint[]) AND due IS DISTINCT FROM %(due)s::timestamptz
