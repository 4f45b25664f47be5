-- Write down what happened in one group: joins, leaves, messages.
-- Writes members_communityevent; who, when and the sender's id are the key, so a repeat is the same row.
INSERT INTO members_communityevent (member_id, community_id, at, id, kind, nick, invited_by, how)
SELECT h.member_id, %(community)s, h.at, h.id, h.kind, h.nick, h.invited_by, h.how
FROM jsonb_to_recordset(%(happenings)s::jsonb)
AS h (member_id bigint, at timestamptz, id bigint, kind smallint, nick text, invited_by text, how text)
ORDER BY h.member_id, h.at, h.id
ON CONFLICT (member_id, community_id, at, id) DO NOTHING
RETURNING member_id, kind, at
