"""What Django's models cannot say: the id sequence, order keys, the event table in months, channels."""

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

CHANNELS = [
    (1, "pos", "门店", "Store"),
    (2, "wecom", "企业微信", "WeCom"),
    (3, "mini_program", "小程序", "Mini program"),
    (4, "official_account", "公众号", "Official account"),
    (5, "app", "App", "App"),
    (6, "tmall", "天猫", "Tmall"),
    (7, "jd", "京东", "JD"),
    (8, "meituan", "美团", "Meituan"),
    (9, "eleme", "饿了么", "Ele.me"),
    (10, "douyin", "抖音", "Douyin"),
    (11, "dealer", "经销商", "Dealer"),
    (12, "alliance", "异业合作", "Alliance"),
    (13, "web", "官网", "Website"),
    (14, "referral", "会员推荐", "Referral"),
    (15, "other", "其他", "Other"),
]


def add_channels(apps, schema_editor):
    Channel = apps.get_model("members", "Channel")
    Channel.objects.bulk_create([Channel(id=i, code=c, name=n, name_en=e) for i, c, n, e in CHANNELS])


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunPython(add_channels, migrations.RunPython.noop),
    ]
