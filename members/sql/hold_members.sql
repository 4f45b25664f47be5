-- Who these members are now, held so that none is merged away before our facts of them are committed.
-- Merging locks its members FOR UPDATE, so it waits for this transaction; two of these do not wait for each other.
-- Who was erased (merged into 0) is nobody any more.
SELECT id, merged_into FROM members_member
WHERE pool_id = %(pool_id)s AND id = ANY(%(ids)s::bigint[]) AND merged_into IS DISTINCT FROM 0
ORDER BY id
FOR KEY SHARE
