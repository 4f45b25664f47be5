"""What Django's models cannot say: the id sequence, order keys, the event table in months."""

from django.db import migrations

FORWARD = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE SEQUENCE members_member_id_seq AS bigint MINVALUE 1 MAXVALUE 4294967295;
ALTER SEQUENCE members_member_id_seq OWNED BY members_member.id;
ALTER TABLE members_member ALTER id SET DEFAULT nextval('members_member_id_seq');

-- One id per order of a channel, known before the order arrives and the same each time it does.
CREATE FUNCTION order_key(pool bigint, channel int, number text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN hashtextextended(number, pool * 65536 + channel);

ALTER TABLE members_memberstate SET (fillfactor = 85);
ALTER TABLE members_order ALTER COLUMN number SET STORAGE PLAIN;

CREATE TABLE members_event (
    member_id bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    id bigint NOT NULL,
    pool_id bigint NOT NULL,
    channel_id smallint,
    kind varchar(40) NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (member_id, occurred_at, id)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX event_pool_kind ON members_event (pool_id, kind, occurred_at);
-- Nothing is lost when a month's partition is missing; the monthly job moves rows out of here.
CREATE TABLE members_event_default PARTITION OF members_event DEFAULT;
"""

BACKWARD = """
DROP TABLE members_event;
DROP FUNCTION order_key(bigint, int, text);
ALTER TABLE members_member ALTER id DROP DEFAULT;
DROP SEQUENCE members_member_id_seq;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
