-- The pool's points: outstanding, owed, and what was booked per kind over a window.
-- Reads loyalty_account and loyalty_entry (entry_pool_at); writes nothing.
SELECT
    (SELECT coalesce(sum(balance), 0) FROM loyalty_account WHERE pool_id = %(pool_id)s) AS outstanding,
    (SELECT coalesce(sum(debt), 0) FROM loyalty_account WHERE pool_id = %(pool_id)s) AS owed,
    (SELECT count(*) FROM loyalty_account WHERE pool_id = %(pool_id)s AND balance > 0) AS holders,
    coalesce(sum(amount) FILTER (WHERE kind = 'earn'), 0) AS earned,
    -coalesce(sum(amount) FILTER (WHERE kind = 'spend'), 0) AS spent,
    -coalesce(sum(amount) FILTER (WHERE kind = 'clawback'), 0) AS clawed_back
FROM loyalty_entry
WHERE pool_id = %(pool_id)s AND at >= %(since)s AND at < %(until)s
