-- A tag's validity was changed: from now on every carrier's time is counted anew, from when they were tagged.
-- Writes members_membertag; a re-run finds nothing to change. Leans on member_tag_tag.
UPDATE members_membertag SET due = least(at + %(days)s::integer * interval '1 day', %(until)s::timestamptz)
WHERE tag_id = %(tag_id)s AND due IS DISTINCT FROM least(at + %(days)s::integer * interval '1 day', %(until)s::timestamptz)
