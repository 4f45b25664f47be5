"""The ledger's own guards: entries only grow, and only they move an account."""

from django.db import migrations

FORWARD = """
ALTER TABLE loyalty_account SET (fillfactor = 60);

-- The account is locked before the key is looked up, so of two equal postings at once one is kept.
CREATE FUNCTION loyalty_post() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE booked record;
BEGIN
    INSERT INTO loyalty_account (member_id, pool_id, position, seq)
    VALUES (NEW.member_id, NEW.pool_id, 0, 0) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM loyalty_account WHERE member_id = NEW.member_id FOR UPDATE;
    SELECT kind, amount INTO booked FROM loyalty_entry WHERE member_id = NEW.member_id AND key = NEW.key;
    IF FOUND THEN
        IF booked.kind = NEW.kind AND booked.amount = NEW.amount THEN RETURN NULL; END IF;
        RAISE EXCEPTION 'key % is booked with another content', NEW.key USING ERRCODE = 'unique_violation';
    END IF;
    UPDATE loyalty_account SET position = position + NEW.amount, seq = seq + 1
     WHERE member_id = NEW.member_id
    RETURNING position, seq INTO NEW.position_after, NEW.seq;
    RETURN NEW;
END $$;
CREATE TRIGGER entry_posts BEFORE INSERT ON loyalty_entry FOR EACH ROW EXECUTE FUNCTION loyalty_post();

CREATE FUNCTION loyalty_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the ledger only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER entry_only_grows BEFORE UPDATE OR DELETE ON loyalty_entry FOR EACH ROW EXECUTE FUNCTION loyalty_refuse();
CREATE TRIGGER entry_is_kept BEFORE TRUNCATE ON loyalty_entry EXECUTE FUNCTION loyalty_refuse();

-- pg_trigger_depth() and not a setting: any session can set a setting.
CREATE FUNCTION loyalty_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 AND (TG_OP = 'DELETE' OR NEW.position <> 0 OR NEW.seq <> 0) THEN
        RAISE EXCEPTION 'an account moves only through an entry' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER account_moves_by_entries BEFORE INSERT OR UPDATE OR DELETE ON loyalty_account
    FOR EACH ROW EXECUTE FUNCTION loyalty_guard();

-- Rows appear here only when something is wrong.
CREATE VIEW loyalty_audit AS
SELECT 'position is the sum of entries' AS promise, a.member_id, a.position::text || ' / ' || coalesce(sum(e.amount), 0)::text AS found
  FROM loyalty_account a LEFT JOIN loyalty_entry e USING (member_id)
 GROUP BY a.member_id, a.position HAVING a.position <> coalesce(sum(e.amount), 0)
UNION ALL
SELECT 'entries are numbered without gaps and carry the running position', member_id, seq::text
  FROM (SELECT member_id, seq, position_after, sum(amount) OVER w AS running, row_number() OVER w AS nth
          FROM loyalty_entry WINDOW w AS (PARTITION BY member_id ORDER BY seq)) chain
 WHERE position_after <> running OR seq <> nth;
"""

BACKWARD = """
DROP VIEW loyalty_audit;
DROP TRIGGER account_moves_by_entries ON loyalty_account;
DROP TRIGGER entry_is_kept ON loyalty_entry;
DROP TRIGGER entry_only_grows ON loyalty_entry;
DROP TRIGGER entry_posts ON loyalty_entry;
DROP FUNCTION loyalty_guard(), loyalty_refuse(), loyalty_post();
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
