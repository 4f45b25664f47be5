-- One posting; the trigger numbers it, moves the account, and skips a key that is booked already.
-- Reads and writes loyalty_entry and, through the trigger, loyalty_account.
INSERT INTO loyalty_entry (member_id, seq, pool_id, kind, amount, position_after, key, order_id, rule_id, reason, at, actor_id)
VALUES (%(member_id)s, 0, %(pool_id)s, %(kind)s, %(amount)s, 0, %(key)s, NULL, NULL, %(reason)s, %(at)s, %(actor_id)s)
