-- Who gets a message and who does not, page by page in the order of member ids; writes nothing.
-- not prepared: its candidates are a query of the caller's; the policy's tests run it
WITH decided AS ({decided})
SELECT d.member_id, d.content_id, coalesce(d.reason, '') AS reason, m.name
FROM decided AS d LEFT JOIN members_member AS m ON m.id = d.member_id
WHERE d.member_id > %(after)s AND (%(reason)s::text IS NULL OR coalesce(d.reason, '') = %(reason)s)
ORDER BY d.member_id LIMIT %(limit)s
