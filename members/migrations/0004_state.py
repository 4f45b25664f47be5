"""When a state changes by itself and who crossed an edge; merged members at hand; repeatable chance."""

import django.db.models.functions.comparison
from django.db import migrations, models

FORWARD = """
CREATE INDEX member_merged ON members_member (pool_id, id) WHERE merged_into IS NOT NULL;

-- A number in [0, 1) that is always the same for the same key and salt.
CREATE FUNCTION unit_hash(key bigint, salt bigint) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (hashint8extended(key, salt) & 4503599627370495)::float8 / 4503599627370496;
"""

BACKWARD = """
DROP FUNCTION unit_hash(bigint, bigint);
DROP INDEX member_merged;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0003_people"),
    ]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RemoveIndex(
            model_name="memberstate",
            name="state_due",
        ),
        migrations.AddField(
            model_name="memberstate",
            name="facts_due",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(
                models.F("pool"), django.db.models.functions.comparison.Least("stage_due", "facts_due"), name="state_due"
            ),
        ),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(fields=["pool", "last_order_at"], name="state_last_order"),
        ),
    ]
